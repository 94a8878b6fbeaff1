"""Makes tests/fixtures/qwen3_tiny: two random Qwen3 checkpoints and what Transformers computes with them.

    pip install torch==2.13.0 transformers==5.23.0 safetensors numpy
    python tests/parity/qwen3_tiny.py tests/fixtures/qwen3_tiny

`tied/` has a config.json as published checkpoints have it (rope_theta, rope_scaling, torch_dtype), `untied/` one as
Transformers 5 writes it (rope_parameters, dtype). Each folder holds:

config.json, model.safetensors   the checkpoint, f32
reference.json                   versions, temperature, pad_token_id, and
    batches[b]   input_ids [B][T] (padded on the right), lengths [B], loss: the mean of -log p(next token) at
                 temperature 1 over all valid next tokens, loss_tokens
    sft          the same kind of batch with prompt_lengths [B]; loss: the mean of -log p over completion tokens only,
                 loss_tokens, grad_norm (L2 over all parameters)
    greedy       prompts, completions (64 tokens each, by full recomputation, no stop token) and min_margin, the
                 smallest difference between the two largest logits at any step
reference.safetensors            f32: `<b>.logits` [B, T, V] and `<b>.logprobs` [B, T-1] (at the temperature), zero where
                                 padded, and the loss's gradient `<b>.grad.<parameter>` of every parameter
"""
import json
import os
import random
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import AutoModelForCausalLM, Qwen3Config, Qwen3ForCausalLM  # noqa: E402

VOCABULARY = 96
TEMPERATURE = 0.7
PAD = 0
GREEDY_TOKENS = 64
MIN_MARGIN = 5e-3  # above the 1e-3 that tests rely on


def make_model(tied, seed):
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, max_position_embeddings=256, tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6}, rms_norm_eps=1e-6, hidden_act="silu",
        attention_dropout=0.0, initializer_range=0.25, bos_token_id=None, eos_token_id=1, pad_token_id=PAD,
    )
    model = Qwen3ForCausalLM(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:  # all ones otherwise, which would hide a norm that is left out
                weight.add_(torch.randn_like(weight) * 0.2)
    return model


def write_legacy_config(folder):
    path = os.path.join(folder, "config.json")
    with open(path) as file:
        config = json.load(file)
    rope = config.pop("rope_parameters")
    config.update(rope_theta=rope["rope_theta"], rope_scaling=None, torch_dtype=config.pop("dtype"))
    with open(path, "w") as file:
        json.dump(config, file, indent=2)
        file.write("\n")


def make_batch(rng, lengths):
    longest = max(lengths)
    ids = [[rng.randrange(2, VOCABULARY) for _ in range(n)] + [PAD] * (longest - n) for n in lengths]
    return {"input_ids": ids, "lengths": lengths}


def next_token_logprobs(model, batch, temperature=1.0):
    """Logits [B, T, V], log-probs of the next tokens [B, T-1] and which of these are valid [B, T-1]."""
    ids, lengths = torch.tensor(batch["input_ids"]), torch.tensor(batch["lengths"])
    mask = torch.arange(ids.shape[1])[None, :] < lengths[:, None]
    logits = model(input_ids=ids, attention_mask=mask.long(), use_cache=False).logits
    logp = (logits[:, :-1] / temperature).log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    return logits, logp, mask


def gradients(model, loss):
    model.zero_grad(set_to_none=True)
    loss.backward()
    return {name: weight.grad.detach().clone() for name, weight in model.named_parameters()}


@torch.no_grad()
def greedy(model, rng):
    prompts, completions, smallest = [], [], float("inf")
    for length in (1, 3, 8, 15):
        for _ in range(200):
            prompt = [rng.randrange(2, VOCABULARY) for _ in range(length)]
            ids, margin = list(prompt), float("inf")
            while len(ids) < length + GREEDY_TOKENS and margin > MIN_MARGIN:
                top = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].topk(2)
                margin = min(margin, (top.values[0] - top.values[1]).item())
                ids.append(top.indices[0].item())
            # A continuation that falls into a short cycle would say little about the cache.
            if margin > MIN_MARGIN and len(set(ids[length:])) >= 12:
                break
        else:
            raise RuntimeError(f"no prompt of {length} tokens has a clear greedy continuation: change the seed")
        prompts.append(prompt)
        completions.append(ids[length:])
        smallest = min(smallest, margin)
    return {"prompts": prompts, "completions": completions, "min_margin": smallest}


def make(folder, tied, legacy, seed):
    make_model(tied, seed).save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))
    if legacy:
        write_legacy_config(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    rng = random.Random(seed)
    tensors = {}
    batches = [make_batch(rng, lengths) for lengths in ([24, 24, 24], [20, 11, 2], [17, 9, 13])]
    for index, batch in enumerate(batches):
        logits, logp, mask = next_token_logprobs(model, batch)
        loss = -logp[mask[:, 1:]].mean()
        batch.update(loss=loss.item(), loss_tokens=int(mask[:, 1:].sum()))
        for name, grad in gradients(model, loss).items():
            tensors[f"{index}.grad.{name}"] = grad
        with torch.no_grad():
            _, scaled, _ = next_token_logprobs(model, batch, TEMPERATURE)
        tensors[f"{index}.logits"] = (logits.detach() * mask[..., None]).contiguous()
        tensors[f"{index}.logprobs"] = (scaled * mask[:, 1:]).contiguous()
    sft = make_batch(rng, [19, 12, 7])
    sft["prompt_lengths"] = [6, 9, 2]
    _, logp, mask = next_token_logprobs(model, sft)
    # Position t of logp is token t + 1, which belongs to the completion from the prompt's length on.
    completion = mask[:, 1:] & (torch.arange(1, mask.shape[1])[None, :] >= torch.tensor(sft["prompt_lengths"])[:, None])
    loss = -logp[completion].mean()
    squares = sum(g.double().square().sum().item() for g in gradients(model, loss).values())
    labels = torch.tensor(sft["input_ids"])
    labels[:, 1:][~completion] = -100
    labels[:, 0] = -100
    own = model(input_ids=torch.tensor(sft["input_ids"]), labels=labels).loss.item()
    assert abs(own - loss.item()) < 1e-5, (own, loss.item())
    sft.update(loss=loss.item(), loss_tokens=int(completion.sum()), grad_norm=squares**0.5)
    save_file(tensors, os.path.join(folder, "reference.safetensors"))
    with open(os.path.join(folder, "reference.json"), "w") as file:
        json.dump({
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
            "temperature": TEMPERATURE, "pad_token_id": PAD, "batches": batches, "sft": sft, "greedy": greedy(model, rng),
        }, file)
        file.write("\n")


def main():
    out = sys.argv[1]
    torch.set_num_threads(1)
    make(os.path.join(out, "tied"), tied=True, legacy=True, seed=1)
    make(os.path.join(out, "untied"), tied=False, legacy=False, seed=2)


if __name__ == "__main__":
    main()
