"""Makes tests/fixtures/model_families: a random checkpoint of each kind of decoder, and what Transformers computes with it.

    pip install torch==2.13.0 transformers==5.23.0 safetensors numpy
    python tests/parity/model_families.py tests/fixtures/model_families

A folder for each case of CASES (tests/parity/qwen3_tiny.py has Qwen3 as it is published), with

config.json, model.safetensors   the checkpoint, f32; `legacy` cases have config.json as it was before Transformers 5
reference.safetensors            input_ids int64 [B, T], padded on the right with PAD, which stands in no row; lengths
                                 int64 [B]; logits f32 [B, T, V], zero where padded; loss, the mean of -log p(next token)
                                 over all valid next tokens; and its gradient `grad.<parameter>` of every parameter

Rows are longer than the original length of every RoPE type that has one. With `dynamic` there is one row: Transformers
takes the longest row of a batch for the length of each.
"""
import json
import os
import random
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM,
)

VOCABULARY = 48
PAD = 0
FAMILIES = {
    "qwen3": (Qwen3Config, Qwen3ForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "llama": (LlamaConfig, LlamaForCausalLM),
}
SHORT, LONG = [20, 13], [90, 41]
LLAMA3 = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}

# name: family, lengths of rows, config beside COMMON, rope beside the type "default" and θ = 100, what `legacy` removes
CASES = {
    "qwen3-bias": ("qwen3", SHORT, {"attention_bias": True, "num_key_value_heads": 4, "head_dim": 8}, {}, None),
    "qwen3-yarn": ("qwen3", LONG, {"tie_word_embeddings": True, "head_dim": 16}, YARN, None),
    "qwen2": ("qwen2", SHORT, {"tie_word_embeddings": True}, {}, ["layer_types"]),
    "qwen2-yarn": ("qwen2", LONG, {"hidden_size": 32, "num_attention_heads": 2, "max_position_embeddings": 64},
                   YARN, ["layer_types"]),
    "llama": ("llama", SHORT, {"num_key_value_heads": 4}, {}, ["head_dim", "num_key_value_heads"]),
    "llama-biases": ("llama", SHORT, {"tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True,
                                      "head_dim": 6}, {}, None),
    "llama-linear": ("llama", LONG, {"head_dim": 16}, {"rope_type": "linear", "factor": 4.0}, []),
    "llama-dynamic": ("llama", [90], {"head_dim": 16, "max_position_embeddings": 64},
                      {"rope_type": "dynamic", "factor": 4.0}, []),
    "llama-llama3": ("llama", LONG, {"head_dim": 16, "tie_word_embeddings": True}, LLAMA3, None),
    "llama-yarn-mscale": ("llama", LONG, {"head_dim": 16}, {
        **YARN, "mscale": 0.7, "mscale_all_dim": 1.2, "beta_fast": 4.0, "beta_slow": 1.5, "truncate": False,
    }, None),
    "llama-yarn-factor": ("llama", LONG, {"head_dim": 16}, {**YARN, "factor": None, "attention_factor": 1.3}, None),
}
COMMON = {
    "vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256, "tie_word_embeddings": False,
    "rms_norm_eps": 1e-5, "hidden_act": "silu", "attention_dropout": 0.0, "initializer_range": 0.25,
    "bos_token_id": None, "eos_token_id": 1, "pad_token_id": PAD,
}


def make_checkpoint(folder, family, changes, rope, legacy):
    config_class, model_class = FAMILIES[family]
    rope = {"rope_type": "default", "rope_theta": 100.0, **rope}
    model = model_class(config_class(**{**COMMON, **changes}, rope_parameters=rope))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:  # all ones otherwise, which would hide a norm that is left out
                weight.add_(torch.randn_like(weight) * 0.2)
            elif name.endswith("bias"):  # all zeros otherwise
                weight.copy_(torch.randn_like(weight) * 0.3)
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))
    if legacy is None:
        return
    path = os.path.join(folder, "config.json")
    with open(path) as file:
        config = json.load(file)
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else {"type": kind, **rope}
    config["torch_dtype"] = config.pop("dtype")
    for key in legacy:
        del config[key]
    with open(path, "w") as file:
        json.dump(config, file, indent=2)
        file.write("\n")


def reference(folder, lengths, rng):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    longest = max(lengths)
    ids = torch.tensor(
        [[rng.randrange(2, VOCABULARY) for _ in range(n)] + [PAD] * (longest - n) for n in lengths])
    mask = torch.arange(longest)[None, :] < torch.tensor(lengths)[:, None]
    logits = model(input_ids=ids, attention_mask=mask.long(), use_cache=False).logits
    logp = logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    loss = -logp[mask[:, 1:]].mean()
    loss.backward()
    save_file({
        "input_ids": ids, "lengths": torch.tensor(lengths), "loss": loss.detach(),
        "logits": (logits.detach() * mask[..., None]).contiguous(),
        **{f"grad.{name}": weight.grad for name, weight in model.named_parameters()},
    }, os.path.join(folder, "reference.safetensors"))


def main():
    torch.set_num_threads(1)
    for seed, (name, (family, lengths, changes, rope, legacy)) in enumerate(CASES.items(), 1):
        torch.manual_seed(seed)
        folder = os.path.join(sys.argv[1], name)
        make_checkpoint(folder, family, changes, rope, legacy)
        reference(folder, lengths, random.Random(seed))


if __name__ == "__main__":
    main()
