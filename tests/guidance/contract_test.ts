// One suite for every controller and schedule: what a training run relies on, whichever it uses.
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertStringIncludes,
  assertThrows,
} from "../../src/std/assert.ts";
import { fc } from "../fast_check.ts";
import { type ControllerState, parseControllerState } from "../../src/guidance/controller.ts";
import {
  controllerNames,
  type ControllerSpec,
  createController,
} from "../../src/guidance/registry.ts";
import { follow, lengths, observe } from "./support.ts";

/** How a rule reads rewards, which decides the properties it owes. */
type Rule = "ratio" | "inverted" | "mean" | "target" | "schedule";

interface Case {
  readonly spec: ControllerSpec;
  readonly rule: Rule;
  readonly bounds: readonly [number, number];
}

const cases: Case[] = [
  { spec: { controller: "g2rpo_a", length: 40 }, rule: "ratio", bounds: [1, 3072] },
  {
    spec: { controller: "g2rpo_a", length: 40, minLength: 4, maxLength: 65, window: 1 },
    rule: "ratio",
    bounds: [4, 65],
  },
  {
    spec: { controller: "g2rpo_a", length: 7.5, minLength: 2.5, maxLength: 65, window: 5 },
    rule: "ratio",
    bounds: [2.5, 65],
  },
  { spec: { controller: "released", length: 40 }, rule: "ratio", bounds: [1, 3072] },
  {
    spec: { controller: "released", length: 40, minLength: 3, maxLength: 50 },
    rule: "ratio",
    bounds: [3, 50],
  },
  {
    spec: { controller: "printed", length: 40, maxLength: 65 },
    rule: "inverted",
    bounds: [1, 65],
  },
  {
    spec: { controller: "printed", length: 40, minLength: 2, maxLength: 65, window: 4 },
    rule: "inverted",
    bounds: [2, 65],
  },
  { spec: { controller: "additive", length: 40, maxLength: 65 }, rule: "mean", bounds: [1, 65] },
  {
    spec: { controller: "additive", length: 40, maxLength: 65, window: 6, delta: 2.5 },
    rule: "mean",
    bounds: [1, 65],
  },
  { spec: { controller: "target", length: 40, maxLength: 65 }, rule: "target", bounds: [1, 65] },
  {
    spec: { controller: "target", length: 40, minLength: 9, maxLength: 50, target: 0.3, gain: 30 },
    rule: "target",
    bounds: [9, 50],
  },
  { spec: { controller: "fixed", length: 40 }, rule: "schedule", bounds: [40, 40] },
  {
    spec: { controller: "linear", length: 40, maxSteps: 20 },
    rule: "schedule",
    bounds: [0, 40],
  },
  {
    spec: { controller: "linear", length: 40, maxSteps: 20, decaySteps: 7 },
    rule: "schedule",
    bounds: [0, 40],
  },
  {
    spec: { controller: "concave", length: 40, maxSteps: 20 },
    rule: "schedule",
    bounds: [0, 40],
  },
  {
    spec: { controller: "concave", length: 40, maxSteps: 20, exponent: 0.5 },
    rule: "schedule",
    bounds: [0, 40],
  },
  { spec: { controller: "step", length: 40, maxSteps: 20 }, rule: "schedule", bounds: [0, 40] },
  {
    spec: { controller: "step", length: 40, maxSteps: 20, decay: 0.8, interval: 3 },
    rule: "schedule",
    bounds: [0, 40],
  },
  {
    spec: { controller: "rdp", length: 40, maxSteps: 20, endLength: 5 },
    rule: "schedule",
    bounds: [5, 40],
  },
];

/** A mean reward above zero. */
const positive = fc.double({ min: 1e-3, max: 1, noNaN: true });
/** A mean reward of graded completions; zero is common at the start of a run. */
const reward = fc.oneof(
  fc.constant(0),
  positive,
  fc.integer({ min: 0, max: 64 }).map((solved) => solved / 64),
);
/** A step's reward: sometimes nothing is graded. */
const step = fc.oneof({ weight: 8, arbitrary: reward }, {
  weight: 1,
  arbitrary: fc.constant(null),
});
const run = fc.array(step, { maxLength: 30 });

function frozen(state: ControllerState): ControllerState {
  return Object.freeze({ ...state, history: Object.freeze([...state.history]) });
}

Deno.test("the contract covers every controller and schedule", () => {
  assertEquals(
    [...new Set(cases.map(({ spec }) => spec.controller))].sort(),
    [...controllerNames].sort(),
  );
});

for (const { spec, rule, bounds: [low, high] } of cases) {
  const controller = createController(spec);

  Deno.test(`${JSON.stringify(spec)} keeps the contract`, async (t) => {
    await t.step("has the registry's name and starts at step 0 with ℓ0 and no history", () => {
      assertEquals(controller.name, spec.controller);
      assertEquals(controller.initial(), { step: 0, length: spec.length, history: [] });
    });

    await t.step("counts steps and stays finite and within its bounds", () => {
      fc.assert(fc.property(
        fc.array(fc.option(fc.double({ min: -10, max: 1e6, noNaN: true })), {
          maxLength: 30,
        }),
        (rewards) => {
          for (const [k, state] of follow(controller, rewards).entries()) {
            assertEquals(state.step, k);
            assert(Number.isFinite(state.length), `ℓ is ${state.length} at step ${k}`);
            assertGreaterOrEqual(state.length, low);
            assertLessOrEqual(state.length, high);
          }
        },
      ));
    });

    await t.step("reaches its bounds and no further when pushed", () => {
      if (rule === "schedule") return;
      const falling = Array.from({ length: 99 }, (_, k) => 0.99 * 0.8 ** k);
      const rising = falling.toReversed();
      // A target is not concerned with trends, only with its side of the target.
      const shortening = rule === "target" ? rising.fill(1) : rising;
      const [up, down] = rule === "inverted" ? [shortening, falling] : [falling, shortening];
      assertEquals(Math.max(...lengths(controller, up)), high);
      assertEquals(Math.min(...lengths(controller, down)), low);
    });

    await t.step("keeps ℓ while all rewards are zero", () => {
      if (rule === "target" || rule === "schedule") return;
      assertEquals(new Set(lengths(controller, Array(9).fill(0))), new Set([spec.length]));
    });

    await t.step("keeps ℓ when a reward in the ratio is zero", () => {
      if (rule !== "ratio" && rule !== "inverted") return;
      fc.assert(fc.property(run, (rewards) => {
        const state = follow(controller, rewards).at(-1)!;
        const after = controller.next(state, observe(state.step, 0));
        assertEquals(after.length, state.length);
        assertEquals(controller.next(after, observe(after.step, 0.5)).length, after.length);
      }));
    });

    await t.step("leaves no history and keeps ℓ when nothing is graded", () => {
      if (rule === "schedule") return;
      fc.assert(fc.property(run, (rewards) => {
        const state = follow(controller, rewards).at(-1)!;
        const next = controller.next(state, observe(state.step, null));
        assertEquals(next.length, state.length);
        // `released` may forget here, as its cycle begins anew.
        assert(next.history.length <= state.history.length);
        assertEquals(next.history, state.history.slice(0, next.history.length));
      }));
    });

    await t.step("rising rewards never lengthen", () => {
      if (rule !== "ratio" && rule !== "inverted") return;
      fc.assert(
        fc.property(fc.array(positive, { maxLength: 30 }), positive, (rewards, last) => {
          const state = follow(controller, rewards).at(-1)!;
          const rising = Math.max(last, ...state.history);
          const { length } = controller.next(state, observe(state.step, rising));
          if (rule === "ratio") assertLessOrEqual(length, state.length);
          else assertGreaterOrEqual(length, state.length);
        }),
        { numRuns: 500 },
      );
    });

    await t.step("equal rewards keep ℓ exactly", () => {
      if (rule === "target" || rule === "schedule") return;
      fc.assert(fc.property(positive, (value) => {
        assertEquals(new Set(lengths(controller, Array(12).fill(value))), new Set([spec.length]));
      }));
    });

    await t.step("a clear rise shortens and a clear fall lengthens", () => {
      if (rule === "target" || rule === "schedule") return;
      // Two equal steps, so that the third is where every rule acts.
      const after = (last: number) => lengths(controller, [0.4, 0.4, last])[3];
      const [rise, fall] = [after(0.5), after(0.3)];
      const inverted = rule === "inverted";
      assert(inverted ? rise > spec.length : rise < spec.length, `${rise} after a rise`);
      assert(inverted ? fall < spec.length : fall > spec.length, `${fall} after a fall`);
    });

    await t.step("follows the side of the mean", () => {
      if (rule !== "mean") return;
      fc.assert(fc.property(fc.array(positive, { maxLength: 30 }), positive, (rewards, last) => {
        const state = follow(controller, rewards).at(-1)!;
        const next = controller.next(state, observe(state.step, last));
        const mean = next.history.reduce((a, b) => a + b) / next.history.length;
        if (last > mean + 1e-12) assertLessOrEqual(next.length, state.length);
        if (last < mean - 1e-12) assertGreaterOrEqual(next.length, state.length);
      }));
    });

    await t.step("follows the side of the target", () => {
      if (spec.controller !== "target") return;
      const goal = spec.target ?? 0.5;
      fc.assert(fc.property(run, reward, reward, (rewards, all, guided) => {
        const state = follow(controller, rewards).at(-1)!;
        const { length } = controller.next(state, observe(state.step, all, guided));
        if (guided >= goal) assertLessOrEqual(length, state.length);
        if (guided <= goal) assertGreaterOrEqual(length, state.length);
      }));
      const state = controller.initial();
      assertEquals(controller.next(state, observe(0, 0.9, null)).length, state.length);
    });

    await t.step("is the same for rewards on another scale", () => {
      if (rule === "target") return;
      // A power of two scales without rounding, so equality is exact.
      fc.assert(fc.property(run, fc.integer({ min: -20, max: 20 }), (rewards, power) => {
        const scaled = rewards.map((value) => value === null ? null : value * 2 ** power);
        assertEquals(lengths(controller, scaled), lengths(controller, rewards));
      }));
      if (spec.controller !== "g2rpo_a" && spec.controller !== "printed") return;
      fc.assert(fc.property(fc.array(positive, { maxLength: 8 }), positive, (rewards, factor) => {
        const scaled = lengths(controller, rewards.map((value) => value * factor));
        for (const [k, length] of lengths(controller, rewards).entries()) {
          assertAlmostEquals(scaled[k], length, 1e-9 * length);
        }
      }));
    });

    await t.step("depends on the step alone, and never lengthens", () => {
      if (rule !== "schedule") return;
      fc.assert(fc.property(run, (rewards) => {
        const got = lengths(controller, rewards);
        assertEquals(got, lengths(controller, rewards.map(() => 0.5)));
        for (let k = 1; k < got.length; k++) assertLessOrEqual(got[k], got[k - 1]);
      }));
    });

    await t.step("refuses NaN and infinite rewards, naming controller, step and field", () => {
      const state = follow(controller, [0.5, 0.25])[2];
      for (const key of ["reward", "guidedReward", "unguidedReward"] as const) {
        for (const value of [NaN, Infinity, -Infinity]) {
          const error = assertThrows(
            () => controller.next(state, { ...observe(2, 0.5), [key]: value }),
            RangeError,
          );
          for (const part of [`'${spec.controller}'`, "step 2", `'${key}'`, String(value)]) {
            assertStringIncludes(error.message, part);
          }
        }
      }
    });

    await t.step("refuses an observation of another step", () => {
      const state = follow(controller, [0.5])[1];
      for (const other of [0, 2, NaN]) {
        assertThrows(() => controller.next(state, observe(other, 0.5)), RangeError, "'step'");
      }
    });

    await t.step("continues from JSON as if never interrupted", () => {
      fc.assert(fc.property(run, run, (before, after) => {
        const state = follow(controller, before).at(-1)!;
        const restored = parseControllerState(JSON.parse(JSON.stringify(state)));
        assertEquals(restored, state);
        assertEquals(
          follow(createController(spec), after, restored),
          follow(controller, after, state),
        );
      }));
    });

    await t.step("is pure: works on frozen state, changes nothing, repeats itself", () => {
      fc.assert(fc.property(run, step, (rewards, value) => {
        const state = frozen(follow(controller, rewards).at(-1)!);
        const observation = Object.freeze(observe(state.step, value));
        const copy = structuredClone([state, observation]);
        const next = controller.next(state, observation);
        assertEquals([state, observation] as unknown, copy);
        assertEquals(controller.next(state, observation), next);
        assertEquals(controller.initial().step, 0);
      }));
    });

    await t.step("remembers a bounded number of rewards", () => {
      const history = follow(controller, Array(50).fill(0.5)).map((state) => state.history.length);
      assertLessOrEqual(Math.max(...history), 6);
    });
  });
}

Deno.test("createController names every setting that it refuses, and its value", async (t) => {
  const g = { controller: "g2rpo_a", length: 40 } as const;
  const l = { controller: "linear", length: 40, maxSteps: 10 } as const;
  const c = { ...l, controller: "concave" } as const;
  const s = { ...l, controller: "step" } as const;
  const r = { ...l, controller: "rdp" } as const;
  const a = { controller: "additive", length: 40 } as const;
  const goal = { controller: "target", length: 40 } as const;
  const refused: [spec: ControllerSpec, key: string, value: string][] = [
    [{ ...g, length: 0.5 }, "length", "0.5"],
    [{ ...g, length: 4000 }, "length", "4000"],
    [{ ...g, length: NaN }, "length", "NaN"],
    [{ ...g, length: undefined as unknown as number }, "length", "undefined"],
    [{ ...g, length: "40" as unknown as number }, "length", '"40"'],
    [{ ...g, minLength: 0 }, "minLength", "0"],
    [{ ...g, minLength: 41 }, "length", "40"],
    [{ ...g, minLength: 5, maxLength: 4 }, "maxLength", "4"],
    [{ ...g, maxLength: Infinity }, "maxLength", "Infinity"],
    [{ ...g, maxLength: 39 }, "length", "40"],
    [{ ...g, window: 0 }, "window", "0"],
    [{ ...g, window: 1.5 }, "window", "1.5"],
    [{ ...g, controller: "printed", window: -1 }, "window", "-1"],
    [{ ...g, controller: "released", minLength: -1 }, "minLength", "-1"],
    [{ ...a, delta: 0 }, "delta", "0"],
    [{ ...a, window: NaN }, "window", "NaN"],
    [{ ...goal, gain: 0 }, "gain", "0"],
    [{ ...goal, gain: Infinity }, "gain", "Infinity"],
    [{ ...goal, target: 1.1 }, "target", "1.1"],
    [{ ...goal, target: -0.1 }, "target", "-0.1"],
    [{ controller: "fixed", length: -1 }, "length", "-1"],
    [{ controller: "fixed", length: Infinity }, "length", "Infinity"],
    [{ ...l, length: -1 }, "length", "-1"],
    [{ ...l, maxSteps: 0 }, "maxSteps", "0"],
    [{ ...l, maxSteps: undefined as unknown as number }, "maxSteps", "undefined"],
    [{ ...l, decaySteps: 2.5 }, "decaySteps", "2.5"],
    [{ ...c, exponent: 0 }, "exponent", "0"],
    [{ ...c, exponent: -2 }, "exponent", "-2"],
    [{ ...s, decay: 0 }, "decay", "0"],
    [{ ...s, decay: 1 }, "decay", "1"],
    [{ ...s, interval: 0 }, "interval", "0"],
    [{ ...s, interval: 2.5 }, "interval", "2.5"],
    [{ ...s, interval: 5, maxSteps: -1 }, "maxSteps", "-1"],
    [{ ...r, endLength: -1 }, "endLength", "-1"],
    [{ ...r, endLength: 41 }, "endLength", "41"],
  ];
  for (const [spec, key, value] of refused) {
    await t.step(`${spec.controller}: ${key} ${value}`, () => {
      const error = assertThrows(() => createController(spec), RangeError);
      assertStringIncludes(error.message, `controller '${spec.controller}' as '${key}' must be`);
      assertStringIncludes(error.message, `current value is ${value}`);
    });
  }
});

Deno.test("createController refuses an unknown name and lists those there are", () => {
  for (const name of ["cosine", "constructor", "", undefined]) {
    const spec = { controller: name, length: 40 } as unknown as ControllerSpec;
    const error = assertThrows(() => createController(spec), RangeError, "must be one of");
    for (const known of controllerNames) assertStringIncludes(error.message, known);
  }
});

Deno.test("createController ignores settings of other controllers", () => {
  const spec = { controller: "fixed", length: 4, window: -1, maxLength: 2 };
  assertEquals(lengths(createController(spec as ControllerSpec), [0.5, 1]), [4, 4, 4]);
});

Deno.test("parseControllerState refuses what is no state, naming the field", () => {
  const good = { step: 3, length: 12.5, history: [0.5, 0.25] };
  assertEquals(parseControllerState(good), good);
  const bad: [value: unknown, key: string][] = [
    [null, "step"],
    [undefined, "step"],
    ["3", "step"],
    [{}, "step"],
    [{ ...good, step: -1 }, "step"],
    [{ ...good, step: 1.5 }, "step"],
    [{ ...good, length: null }, "length"],
    [{ ...good, length: NaN }, "length"],
    [{ ...good, length: -1 }, "length"],
    [{ ...good, history: null }, "history"],
    [{ ...good, history: [0.5, null] }, "history"],
    [{ ...good, history: { 0: 0.5 } }, "history"],
  ];
  for (const [value, key] of bad) {
    assertThrows(() => parseControllerState(value), TypeError, `'${key}'`);
  }
});
