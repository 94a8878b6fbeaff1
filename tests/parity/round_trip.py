"""The round trip of a checkpoint: Transformers writes it, Handrail loads, trains and saves it, Transformers loads it again.

    pip install torch==2.13.0 transformers==5.23.0 tokenizers safetensors numpy
    python tests/parity/round_trip.py make DIR [--corpus TEXT] [--cases qwen3 ...]
    deno run -A tests/parity/round_trip.ts DIR/qwen3 DIR/qwen3.after      # or any training that leaves such a folder
    python tests/parity/round_trip.py check DIR/qwen3 DIR/qwen3.after [--logits DIR/qwen3.after/handrail.safetensors]

`make` writes a random checkpoint of each of CASES with a byte-level BPE tokenizer of a ChatML shape, trained on a text.
`check` prints one JSON line: the largest difference between Transformers' logits of the second folder and those that
Handrail computed with it, of the `input_ids` in the file; and the largest change of a weight since the first folder. It
fails where the logits differ by more than 1e-4, where no weight changed, or where Transformers misses a tensor.
"""
import argparse
import json
import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM,
    Qwen3Config, Qwen3ForCausalLM,
)
from transformers.utils import logging  # noqa: E402

logging.disable_progress_bar()
logging.set_verbosity_error()

# name: classes, config beside COMMON, rope beside the default, whether config.json is in the form before Transformers 5,
# dtype on disk, size of a shard
CASES = {
    "qwen3": (Qwen3Config, Qwen3ForCausalLM, {"tie_word_embeddings": True, "head_dim": 32}, {}, True, "float32", "5GB"),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, {}, {
        "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512,
    }, False, "bfloat16", "5GB"),
    "llama": (LlamaConfig, LlamaForCausalLM, {"num_key_value_heads": 4}, {"rope_type": "linear", "factor": 2.0}, True,
              "float16", "200KB"),
    "llama-llama3": (LlamaConfig, LlamaForCausalLM, {"tie_word_embeddings": True, "head_dim": 32}, {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 256,
    }, False, "float32", "200KB"),
}
COMMON = {
    "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 2048, "tie_word_embeddings": False, "rms_norm_eps": 1e-6,
    "hidden_act": "silu", "attention_dropout": 0.0, "initializer_range": 0.1,
}
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tokenizer(corpus, size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    with open(corpus, encoding="utf-8", errors="replace") as file:
        lines = file.read(2_000_000).splitlines()
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size - len(SPECIAL), show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False, model_max_length=2048)
    fast.chat_template = TEMPLATE
    return fast


def make(folder, case, tokenizer, seed):
    config_class, model_class, changes, rope, legacy, dtype, shard = CASES[case]
    torch.manual_seed(seed)
    model = model_class(config_class(
        **{**COMMON, **changes}, vocab_size=len(tokenizer), bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, rope_parameters={"rope_type": "default", "rope_theta": 1e4, **rope}))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.add_(torch.randn_like(weight) * 0.1)
            elif name.endswith("bias"):
                weight.copy_(torch.randn_like(weight) * 0.1)
    model = model.to(getattr(torch, dtype))
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, tokenizer.pad_token_id]
    model.save_pretrained(folder, max_shard_size=shard)
    tokenizer.save_pretrained(folder)
    if legacy:
        path = os.path.join(folder, "config.json")
        with open(path) as file:
            config = json.load(file)
        rope = config.pop("rope_parameters")
        config.update(rope_theta=rope.pop("rope_theta"), torch_dtype=config.pop("dtype"))
        config["rope_scaling"] = None if rope["rope_type"] == "default" else {"type": rope.pop("rope_type"), **rope}
        with open(path, "w") as file:
            json.dump(config, file, indent=2)


def load(folder):
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    bad = {key: sorted(map(str, value)) for key, value in info.items() if value}
    if bad:
        raise SystemExit(f"Transformers' report on loading {folder}: {bad}")
    return model.eval()


def check(before, after, logits):
    model, ours = load(after), load_file(logits)
    with torch.no_grad():
        theirs = model(input_ids=ours["input_ids"], use_cache=False).logits
    difference = (theirs - ours["logits"]).abs().max().item()
    first = dict(load(before).named_parameters())
    changed = max((weight - first[name]).abs().max().item() for name, weight in model.named_parameters())
    print(json.dumps({
        "model_type": model.config.model_type, "logits": list(theirs.shape), "largest_logit": theirs.abs().max().item(),
        "max_logit_difference": difference, "max_weight_change": changed,
    }))
    if not difference <= 1e-4:
        raise SystemExit(f"the logits differ by {difference}")
    if changed == 0:
        raise SystemExit("no weight changed")


def main():
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder")
    making.add_argument("--corpus", default=__file__, help="text on which the tokenizer is trained")
    making.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    making.add_argument("--vocab-size", type=int, default=512)
    making.add_argument("--seed", type=int, default=0)
    checking = commands.add_parser("check")
    checking.add_argument("before")
    checking.add_argument("after")
    checking.add_argument("--logits", help="by default handrail.safetensors in the second folder")
    arguments = parser.parse_args()
    if arguments.command == "make":
        tokenizer = make_tokenizer(arguments.corpus, arguments.vocab_size)
        for case in arguments.cases:
            make(os.path.join(arguments.folder, case), case, tokenizer, arguments.seed)
    else:
        logits = arguments.logits or os.path.join(arguments.after, "handrail.safetensors")
        check(arguments.before, arguments.after, logits)


if __name__ == "__main__":
    main()
