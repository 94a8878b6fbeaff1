"""Makes tests/fixtures/shaped_rewards.json: what TRL's reward functions give, and Kimi k1.5's formula.

    pip install trl==1.16.0 math-verify==0.9.0
    python tests/parity/shaped_rewards.py tests/fixtures/shaped_rewards.json

cosine[]       max_len and the four values as TRL's get_cosine_scaled_reward takes them, correct, lengths [n] in
               tokens, rewards [n]
repetition[]   ngram_size and max_penalty of get_repetition_penalty_reward, ids [n] of lists of token ids (the test
               makes a word of each), rewards [n]
soft_overlong[]  max_completion_len and soft_punish_cache of get_soft_overlong_punishment, lengths [n], rewards [n]
length[]       lengths [n] and correct [n] of a group, rewards [n] by the formula of Kimi k1.5, section 2.3.3, in exact
               fractions
"""
import json
import random
import sys
from fractions import Fraction
from importlib.metadata import version

from trl.rewards import (
    get_cosine_scaled_reward,
    get_repetition_penalty_reward,
    get_soft_overlong_punishment,
)

GOLD = r"\frac{1}{3}"
RIGHT, WRONG = r"\boxed{\frac{1}{3}}", r"\boxed{\frac{1}{2}}"


def cosine():
    cases = []
    settings = (
        {"max_len": 100},
        {"max_len": 1},
        {"max_len": 2048, "min_value_wrong": -10.0, "max_value_wrong": 0.0, "min_value_correct": 1.0,
         "max_value_correct": 2.0},
        {"max_len": 37, "min_value_wrong": -0.25, "max_value_wrong": -0.25, "min_value_correct": 0.1,
         "max_value_correct": 0.9},
    )
    for given in settings:
        reward = get_cosine_scaled_reward(**given)
        longest = given["max_len"]
        lengths = sorted({1, longest // 4 + 1, longest // 2 + 1, longest, longest + 1, 3 * longest})
        for correct in (True, False):
            text = RIGHT if correct else WRONG
            rewards = reward(
                [[{"content": text}]] * len(lengths), [GOLD] * len(lengths), [[7] * n for n in lengths]
            )
            cases.append({**given, "correct": correct, "lengths": lengths, "rewards": rewards})
    return cases


def repetition():
    rng = random.Random(0)
    ids = [[], [1], [1, 2], [1, 2, 3], [5] * 40, [1, 2, 3] * 10, list(range(30))]
    ids += [[rng.randrange(4) for _ in range(rng.randrange(3, 60))] for _ in range(12)]
    cases = []
    for size, penalty in ((1, -1.0), (2, -0.5), (3, -1.0), (20, -2.0), (3, 0.0)):
        reward = get_repetition_penalty_reward(ngram_size=size, max_penalty=penalty)
        cases.append({"ngram_size": size, "max_penalty": penalty, "ids": ids, "rewards": reward(ids)})
    return cases


def soft_overlong():
    cases = []
    for longest, cache in ((100, 20), (20480, 4096), (100, 100), (100, 0), (1, 1), (7, 3)):
        lengths = sorted({1, max(1, longest - cache), longest - cache + 1, max(1, longest - cache // 2), longest,
                          longest + 1, 2 * longest})
        reward = get_soft_overlong_punishment(max_completion_len=longest, soft_punish_cache=cache)
        cases.append({"max_completion_len": longest, "soft_punish_cache": cache, "lengths": lengths,
                      "rewards": reward([[1] * n for n in lengths])})
    return cases


def length():
    rng = random.Random(1)
    cases = []
    for size in (2, 3, 8, 16):
        for spread in (0, 1, 10, 4000):
            lengths = [100 + rng.randrange(spread + 1) for _ in range(size)]
            correct = [rng.random() < 0.5 for _ in range(size)]
            least, most = min(lengths), max(lengths)
            rewards = []
            for n, right in zip(lengths, correct):
                value = Fraction(0) if least == most else Fraction(1, 2) - Fraction(n - least, most - least)
                rewards.append(float(value if right else min(Fraction(0), value)))
            cases.append({"lengths": lengths, "correct": correct, "rewards": rewards})
    return cases


def main():
    fixture = {
        "versions": {"trl": version("trl"), "math-verify": version("math-verify")},
        "cosine": cosine(), "repetition": repetition(), "soft_overlong": soft_overlong(), "length": length(),
    }
    with open(sys.argv[1], "w") as file:
        json.dump(fixture, file)
        file.write("\n")


if __name__ == "__main__":
    main()
