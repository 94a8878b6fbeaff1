"""Makes tests/fixtures/lora: adapters as PEFT saves them, and what PEFT computes with them.

    pip install torch==2.13.0 transformers==5.23.0 peft==0.21.2 safetensors
    python tests/parity/lora.py tests/fixtures/lora

The base models are those of tests/fixtures/qwen3_tiny. Each folder holds:

adapter_config.json, adapter_model.safetensors   as PEFT saves them; the base is named relative to the folder
reference.json                                   versions, input_ids [B][T], loss: the mean of -log p(next token)
reference.safetensors                            f32: `logits` [B, T, V], `grad.<name>` of every A and B under its name in
                                                 adapter_model.safetensors, `merged.<name>`: the weight of two layers
                                                 after merge_and_unload
"""
import json
import os
import random
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

MERGED = ["model.layers.0.self_attn.q_proj.weight", "model.layers.1.self_attn.v_proj.weight"]


def make(out, name, base, seed, **settings):
    folder = os.path.join(out, name)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(os.path.join(out, base), dtype=torch.float32, attn_implementation="eager")
    vocabulary = model.config.vocab_size
    model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **settings))
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if "lora_B" in key:  # zero otherwise, which would hide everything
                weight.normal_(std=0.1)
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "README.md"))
    path = os.path.join(folder, "adapter_config.json")
    with open(path) as file:
        config = json.load(file)
    config["base_model_name_or_path"] = f"../{base}"
    config["target_modules"] = sorted(config["target_modules"])
    with open(path, "w") as file:
        json.dump(config, file, indent=2)
        file.write("\n")

    rng = random.Random(seed)
    ids = [[rng.randrange(2, vocabulary) for _ in range(16)] for _ in range(3)]
    model.eval()
    logits = model(input_ids=torch.tensor(ids), use_cache=False).logits
    logp = logits[:, :-1].log_softmax(-1).gather(-1, torch.tensor(ids)[:, 1:, None])
    loss = -logp.mean()
    loss.backward()
    tensors = {"logits": logits.detach().contiguous()}
    for key, weight in model.named_parameters():
        if weight.requires_grad:
            tensors[f"grad.{key.replace('.default', '')}"] = weight.grad.clone()
    merged = model.merge_and_unload().state_dict()
    tensors.update({f"merged.{key}": merged[key].clone() for key in MERGED})
    save_file(tensors, os.path.join(folder, "reference.safetensors"))
    versions = {module.__name__: module.__version__ for module in (torch, transformers, peft)}
    with open(os.path.join(folder, "reference.json"), "w") as file:
        json.dump({"versions": versions, "input_ids": ids, "loss": loss.item()}, file)
        file.write("\n")


def main():
    out = sys.argv[1]
    torch.set_num_threads(1)
    make(out, "all_linear", "../qwen3_tiny/tied", 1, r=4, lora_alpha=8, target_modules="all-linear")
    make(out, "rslora", "../qwen3_tiny/untied", 2, r=8, lora_alpha=12, use_rslora=True, target_modules=["q_proj", "v_proj"])


if __name__ == "__main__":
    main()
