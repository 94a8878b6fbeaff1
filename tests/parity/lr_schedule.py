"""Makes tests/fixtures/lr_schedule.json: the learning rates that Transformers' get_scheduler gives.

    pip install torch==2.13.0 transformers==5.23.0
    python tests/parity/lr_schedule.py tests/fixtures/lr_schedule.json

cases[]   type (lr_scheduler_type), learning_rate, max_steps, warmup_steps, min_lr_rate (null unless
          cosine_with_min_lr), rates [max_steps + 1]: the rate of update k = 0 .. max_steps
warmups[] max_steps, warmup_ratio, warmup_steps as TrainingArguments.get_warmup_steps derives them
"""
import json
import os
import sys
from types import SimpleNamespace

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import TrainingArguments, get_scheduler  # noqa: E402

TYPES = ("constant", "constant_with_warmup", "linear", "cosine", "cosine_with_min_lr")


def rates(kind, learning_rate, max_steps, warmup_steps, min_lr_rate):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=learning_rate)
    scheduler = get_scheduler(
        kind, optimizer, num_warmup_steps=warmup_steps, num_training_steps=max_steps,
        scheduler_specific_kwargs=None if min_lr_rate is None else {"min_lr_rate": min_lr_rate},
    )
    values = []
    for _ in range(max_steps + 1):
        values.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return values


def main():
    cases = []
    for kind in TYPES:
        for max_steps, warmup_steps in ((20, 0), (20, 3), (7, 7), (1, 0)):
            for min_lr_rate in ((0.1, 0.0) if kind == "cosine_with_min_lr" else (None,)):
                # Transformers ignores the warm-up of `constant`.
                if kind == "constant" and warmup_steps > 0:
                    continue
                cases.append({
                    "type": kind, "learning_rate": 3e-4, "max_steps": max_steps, "warmup_steps": warmup_steps,
                    "min_lr_rate": min_lr_rate, "rates": rates(kind, 3e-4, max_steps, warmup_steps, min_lr_rate),
                })
    warmups = [{
        "max_steps": steps, "warmup_ratio": ratio,
        "warmup_steps": TrainingArguments.get_warmup_steps(SimpleNamespace(warmup_steps=ratio), steps),
    } for steps in (1, 10, 100, 333) for ratio in (0.0, 0.03, 0.1, 0.5)]
    with open(sys.argv[1], "w") as file:
        json.dump({"versions": {"torch": torch.__version__, "transformers": transformers.__version__},
                   "cases": cases, "warmups": warmups}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
