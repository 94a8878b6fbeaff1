"""Makes tests/fixtures/adamw.json: steps of torch's AdamW (fused, CPU, f32) and its clipping of the gradient norm.

    pip install torch==2.13.0 numpy
    python tests/parity/adamw.py tests/fixtures/adamw.json

adamw[]   name, betas, eps, weight_decay, lr [S] (a rate a step), shapes [P], initial [P][n], grads [S][P][n] (given,
          no clipping); then params [S][P][n] after each step, and exp_avg, exp_avg_sq [P][n] after the last one.
          Tensors are flat, row by row; every number is an f32.
master[]  bfloat16 parameters with float32 master copies, gradients of several micro-batches summed in float32: name,
          betas, eps, weight_decay, lr [S], shapes [P], initial [P][n] (bfloat16 values), grads [S][M][P][n] (bfloat16
          values, M micro-batches a step); then params [S][P][n] after each step (the master copies rounded to
          bfloat16), and master, exp_avg, exp_avg_sq [P][n] after the last one
clip[]    name, max_norm, shapes [P], grads [P][n]; then norm, the total L2 norm before clipping as
          torch.nn.utils.clip_grad_norm_ returns it, and clipped [P][n]
"""
import json
import sys

import torch

SHAPES = [[3, 4], [5], [2, 2, 3]]
STEPS = 5


def flat(tensors):
    return [t.detach().reshape(-1).tolist() for t in tensors]


def adamw(name, generator, lr, betas, eps, weight_decay, scale):
    params = [torch.randn(s, generator=generator).requires_grad_() for s in SHAPES]
    case = {"name": name, "betas": betas, "eps": eps, "weight_decay": weight_decay, "lr": lr, "shapes": SHAPES,
            "initial": flat(params), "grads": [], "params": []}
    optimizer = torch.optim.AdamW(params, lr=lr[0], betas=tuple(betas), eps=eps, weight_decay=weight_decay, fused=True)
    for rate in lr:
        optimizer.param_groups[0]["lr"] = rate
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator) * scale
        case["grads"].append(flat(p.grad for p in params))
        optimizer.step()
        case["params"].append(flat(params))
    for key in ("exp_avg", "exp_avg_sq"):
        case[key] = flat(optimizer.state[p][key] for p in params)
    return case


def master(name, generator, lr, betas, eps, weight_decay, scale, micro_batches):
    low = [torch.randn(s, generator=generator).bfloat16() for s in SHAPES]
    params = [p.float().requires_grad_() for p in low]
    case = {"name": name, "betas": betas, "eps": eps, "weight_decay": weight_decay, "lr": lr, "shapes": SHAPES,
            "initial": flat(p.float() for p in low), "grads": [], "params": []}
    optimizer = torch.optim.AdamW(params, lr=lr[0], betas=tuple(betas), eps=eps, weight_decay=weight_decay, fused=True)
    for rate in lr:
        optimizer.param_groups[0]["lr"] = rate
        grads = [[(torch.randn(s, generator=generator) * scale).bfloat16() for s in SHAPES] for _ in range(micro_batches)]
        optimizer.zero_grad()
        for batch in grads:
            for p, grad in zip(params, batch):
                p.grad = grad.float() if p.grad is None else p.grad + grad.float()
        case["grads"].append([flat(g.float() for g in batch) for batch in grads])
        optimizer.step()
        with torch.no_grad():
            for p, to in zip(params, low):
                to.copy_(p)
        case["params"].append(flat(p.float() for p in low))
    case["master"] = flat(params)
    for key in ("exp_avg", "exp_avg_sq"):
        case[key] = flat(optimizer.state[p][key] for p in params)
    return case


def clip(name, generator, max_norm, scale):
    params = [torch.zeros(s, requires_grad=True) for s in SHAPES]
    for p in params:
        p.grad = torch.randn(p.shape, generator=generator) * scale
    case = {"name": name, "max_norm": max_norm, "shapes": SHAPES, "grads": flat(p.grad for p in params)}
    case["norm"] = torch.nn.utils.clip_grad_norm_(params, max_norm).item()
    case["clipped"] = flat(p.grad for p in params)
    return case


def main():
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(0)
    falling = [3e-3 * (1 - step / STEPS) for step in range(STEPS)]
    result = {
        "versions": {"torch": torch.__version__},
        "adamw": [
            adamw("decay", g, [1e-2] * STEPS, [0.9, 0.95], 1e-8, 0.1, 1.0),
            adamw("no_decay", g, [3e-4] * STEPS, [0.9, 0.999], 1e-8, 0.0, 0.1),
            adamw("warmup_and_falling_rate", g, [0.0, *falling[1:]], [0.9, 0.95], 1e-8, 0.01, 1e-3),
            adamw("tiny_gradients", g, [1e-2] * STEPS, [0.9, 0.95], 1e-6, 0.0, 1e-7),
        ],
        "clip": [clip("above", g, 1.0, 1.0), clip("below", g, 1.0, 1e-2), clip("far_above", g, 0.5, 1e4)],
        "master": [
            master("decay", g, [1e-2] * STEPS, [0.9, 0.95], 1e-8, 0.1, 1.0, 3),
            master("small_rate", g, [1e-6] * STEPS, [0.9, 0.999], 1e-8, 0.0, 1e-3, 2),
        ],
    }
    with open(sys.argv[1], "w") as file:
        json.dump(result, file)
        file.write("\n")


if __name__ == "__main__":
    main()
