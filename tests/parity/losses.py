"""Makes tests/fixtures/losses.json: TRL's own GRPO losses, their gradients, and its group advantages, in f64.

    pip install torch==2.13.0 transformers==5.23.0 trl==1.16.0 datasets accelerate
    python tests/parity/losses.py tests/fixtures/losses.json

`GRPOTrainer._compute_loss` is called on a stub that hands it given log-probabilities (one process, no accumulation),
and `GRPOTrainer._generate_and_score_completions` on a stub that hands it given rewards.

inputs[name]   logp, old_logp, ref_logp, mask (each [B][T], mask 1 where a token is in the loss) and advantages [B]
cases[]        name, inputs (a name of the above) and the options loss_type, importance_sampling_level, epsilon,
               epsilon_high (null: epsilon), beta, delta (null: none), use_bias_correction_kl, on_policy (true: old_logp
               is logp without gradient), max_completion_length, num_items_in_batch (null: the sum of mask); then TRL's
               loss, grad = d loss / d logp [B][T], and metrics (null where TRL has NaN)
advantages[]   name, rewards [N] (null: ungraded), num_generations, scale_rewards; then TRL's advantages [N] and metrics
               reward, reward_std, frac_reward_zero_std (null where TRL has NaN)
"""
import json
import os
import random
import sys
from collections import defaultdict
from types import SimpleNamespace

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402
from trl import GRPOTrainer  # noqa: E402

OPTIONS = {
    "loss_type": "grpo", "importance_sampling_level": "token", "epsilon": 0.2, "epsilon_high": None, "beta": 0.0,
    "delta": None, "use_bias_correction_kl": False, "on_policy": False, "max_completion_length": 12,
    "num_items_in_batch": None,
}
VARIANTS = {
    "base": {},
    "kl": {"beta": 0.04},
    "kl_bias_correction": {"beta": 0.04, "use_bias_correction_kl": True},
    "clip_higher": {"epsilon": 0.1, "epsilon_high": 0.28},
    "tight": {"epsilon": 0.01, "epsilon_high": 0.02},
    "delta": {"epsilon": 0.1, "delta": 1.3},
    "on_policy": {"on_policy": True},
    "on_policy_kl": {"on_policy": True, "beta": 0.1},
    "no_scale": {"inputs": "no_scale"},
    "batch_scale": {"inputs": "batch_scale"},
    "empty_row": {"inputs": "empty_row"},
    "gap": {"inputs": "gap", "beta": 0.04},
    "zero_variance": {"inputs": "zero_variance"},
}


def finite(metrics):
    return {key: value if value == value else None for key, value in sorted(metrics.items())}


def f64(values):
    return torch.tensor(values, dtype=torch.float64)


def trl_advantages(rewards, num_generations, scale_rewards):
    n = len(rewards)
    given = f64([[float("nan") if r is None else r] for r in rewards])
    stub = SimpleNamespace(
        accelerator=SimpleNamespace(device=torch.device("cpu"), gather=lambda x: x, process_index=0),
        model=SimpleNamespace(training=True), environment_factories=None, environments=None, tools=None,
        _generate=lambda prompts: ([[1]] * n, [[1]] * n, None, ["x"] * n, None, {}, None, None),
        _tokenizer=SimpleNamespace(pad_token_id=0), pad_to_multiple_of=None, mask_truncated_completions=False,
        args=SimpleNamespace(per_device_train_batch_size=n, gradient_accumulation_steps=1, steps_per_generation=1,
                             gradient_checkpointing_kwargs=None),
        num_iterations=1, num_generations=num_generations, use_vllm=False, beta=0.0, log_multimodal=False,
        _calculate_rewards=lambda *a: given, reward_weights=f64([1.0]), reward_funcs=[None], reward_func_names=["r"],
        multi_objective_aggregation="sum_then_normalize", scale_rewards=scale_rewards, _pending_extra_logs={},
        _pending_metrics={}, _metrics={"train": defaultdict(list)}, _is_vlm=False, _image_pad_token_id=None,
        _logs={"prompt": [], "completion": [], "rewards": defaultdict(list), "advantages": [],
               "extra": defaultdict(list)},
    )
    trainer = sys.modules[GRPOTrainer.__module__]
    trainer.gather_object = lambda x: x  # one process
    trainer.disable_gradient_checkpointing = lambda *a: torch.no_grad()  # the stub has no model to switch it off in
    output = GRPOTrainer._generate_and_score_completions(stub, [{"prompt": "x"}] * n)
    metrics = {key: stub._metrics["train"][key][0] for key in ("reward", "reward_std", "frac_reward_zero_std")}
    return output["advantages"].tolist(), finite(metrics)


def trl_loss(inputs, options):
    o = SimpleNamespace(**options)
    logp, mask = f64(inputs["logp"]).requires_grad_(), f64(inputs["mask"])
    items = mask.sum() if o.num_items_in_batch is None else f64(o.num_items_in_batch)
    stub = SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *a, **k: (logp, torch.zeros_like(logp), None),
        aux_loss_enabled=False, top_entropy_quantile=1.0, off_policy_mask_threshold=None, _entropy_bonus_enabled=False,
        importance_sampling_level=o.importance_sampling_level, loss_type=o.loss_type, beta=o.beta,
        epsilon_low=o.epsilon, epsilon_high=o.epsilon if o.epsilon_high is None else o.epsilon_high,
        max_completion_length=o.max_completion_length, use_vllm=False, current_gradient_accumulation_steps=1,
        model=SimpleNamespace(training=True),
        args=SimpleNamespace(delta=o.delta, use_bias_correction_kl=o.use_bias_correction_kl, steps_per_generation=1),
        accelerator=SimpleNamespace(num_processes=1, gather=lambda x: x, reduce=lambda x, reduction=None: x),
        _metrics={"train": defaultdict(list)},
    )
    batch = {
        "prompt_ids": torch.zeros(len(logp), 1, dtype=torch.long), "prompt_mask": torch.ones(len(logp), 1),
        "completion_ids": torch.zeros(logp.shape, dtype=torch.long), "completion_mask": mask,
        "advantages": f64(inputs["advantages"]), "num_items_in_batch": items,
        "ref_per_token_logps": f64(inputs["ref_logp"]),
    }
    if not o.on_policy:
        batch["old_per_token_logps"] = f64(inputs["old_logp"])
    loss = GRPOTrainer._compute_loss(stub, None, batch)
    (grad,) = torch.autograd.grad(loss, logp)
    metrics = {key: values[0] for key, values in stub._metrics["train"].items() if key != "entropy"}
    return {"loss": loss.item(), "grad": grad.tolist(), "metrics": finite(metrics)}


def make_inputs(rng):
    rows, tokens, group = 6, 9, 3

    def near(base, spread):
        return [[round(x + rng.gauss(0, spread), 6) for x in row] for row in base]

    logp = [[round(-abs(rng.gauss(1.5, 1)), 6) for _ in range(tokens)] for _ in range(rows)]
    rewards = [1.0, 0.0, 0.25, 0.0, 1.0, 1.0]
    # Rows drift apart from the old policy both ways, so that both clips and delta bind at the sequence level too.
    drift = (0.3, -0.3, 0.0, 0.4, -0.25, 0.05)
    drifted = [[x - d for x in row] for row, d in zip(logp, drift)]
    base = {
        "logp": logp, "old_logp": near(drifted, 0.2), "ref_logp": near(logp, 0.4),
        "mask": [[int(t < n) for t in range(tokens)] for n in (9, 4, 1, 6, 9, 7)],
        "advantages": trl_advantages(rewards, group, "group")[0],
    }
    gap = [[int(t < n and t >= skip) for t in range(tokens)]
           for n, skip in ((9, 3), (4, 0), (5, 4), (6, 0), (9, 8), (7, 2))]  # guidance tokens kept out of the loss
    return {
        "base": base,
        "no_scale": {**base, "advantages": trl_advantages(rewards, group, "none")[0]},
        "batch_scale": {**base, "advantages": trl_advantages(rewards, group, "batch")[0]},
        "empty_row": {**base, "mask": [[1] * tokens, [0] * tokens, *base["mask"][2:]]},
        "gap": {**base, "mask": gap},
        "zero_variance": {**base, "advantages": trl_advantages([1.0] * 3 + [0.0, 1.0, 1.0], group, "group")[0]},
    }


def make_cases(inputs):
    cases = []
    for loss_type in ("grpo", "bnpo", "dr_grpo", "dapo"):
        for level in ("token", "sequence"):
            variants = dict(VARIANTS)
            if loss_type == "dapo":
                variants["other_items"] = {"num_items_in_batch": 50}
            for name, changes in variants.items():
                changes = dict(changes)
                key = changes.pop("inputs", "base")
                options = {**OPTIONS, "loss_type": loss_type, "importance_sampling_level": level, **changes}
                cases.append({"name": f"{loss_type}/{level}/{name}", "inputs": key, **options,
                              **trl_loss(inputs[key], options)})
    return cases


def make_advantages(rng):
    rewards = {
        "binary": ([1, 0, 0, 1, 0, 0, 0, 1], 4),
        "equal_group": ([0.3, 0.3, 0.3, 0.1, 0.9, 0.1], 3),
        "all_equal": ([0.7, 0.7, 0.7, 0.7], 2),
        "all_zero": ([0, 0, 0, 0, 0, 0], 3),
        "real": ([round(rng.uniform(-2, 3), 4) for _ in range(12)], 6),
        "nearly_equal": ([0.5, 0.5001, 0.5, 0.4999], 2),
        "ungraded": ([1, None, 0, 0.5, None, None, 0.25, 1, 1, 1, None, 1], 4),
        "one_graded": ([1, None, None, 0, 1, 0.5], 3),
        "none_graded": ([None, None, 1, 0], 2),
    }
    cases = []
    for name, (values, group) in rewards.items():
        for scale in ("group", "batch", "none"):
            advantages, metrics = trl_advantages(values, group, scale)
            cases.append({"name": f"{name}/{scale}", "rewards": values, "num_generations": group,
                          "scale_rewards": scale, "advantages": advantages, "metrics": metrics})
    return cases


def main():
    rng = random.Random(0)
    inputs = make_inputs(rng)
    # One case a line, so that a change of one case is one line of a diff.
    lines = ",\n".join
    with open(sys.argv[1], "w") as file:
        file.write('{\n"versions": ' + json.dumps({
            "torch": torch.__version__, "transformers": transformers.__version__, "trl": trl.__version__}))
        file.write(',\n"inputs": {\n' + lines(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in inputs.items()))
        file.write('\n},\n"cases": [\n' + lines(json.dumps(case) for case in make_cases(inputs)))
        file.write('\n],\n"advantages": [\n' + lines(json.dumps(case) for case in make_advantages(rng)) + "\n]\n}\n")


if __name__ == "__main__":
    main()
