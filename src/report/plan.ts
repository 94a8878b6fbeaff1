/** A run's plan as text. */
import { type Config } from "../training/config.ts";
import { type RunPlan } from "../training/plan.ts";
import { bytes, grouped } from "./format.ts";

/** The lines that `--dry-run` prints below the config; of a warm start alone, only what that does. */
export function formatPlan(config: Config, plan: RunPlan, sftOnly = false): string[] {
  const { memory, problems, numGenerations, guided, steps } = plan;
  const { guidance } = config;
  const total = memory.weights + memory.gradients + memory.optimizer;
  const given = guided === 0
    ? "none guided"
    : `${guided} of each group guided, by ${guidance.controller} from ℓ = ${guidance.length}`;
  const reinforcement = [
    `training    ${
      grouped(steps)
    } steps of P = ${problems} problems x G = ${numGenerations} rollouts; ${given}`,
    `            at most ${grouped(plan.maxTokensPerStep)} completion tokens a step, ${
      plan.passes === 1 ? "1 pass" : `${plan.passes} passes`
    } over them`,
    `evaluation  ${grouped(config.eval.num_problems)} held-out problems before and after${
      config.eval.steps > 0 ? ` and every ${config.eval.steps} steps` : ""
    }`,
  ];
  return [
    `model       ${config.model.path ?? config.model.preset}, ${
      grouped(plan.parameters)
    } parameters`,
    `memory      ${bytes(total)}: weights ${bytes(memory.weights)}, gradients ${
      bytes(memory.gradients)
    }, optimizer ${bytes(memory.optimizer)}; activations and caches come on top`,
    `warm start  ${
      plan.sftSteps === 0
        ? "none"
        : `${grouped(plan.sftSteps)} steps of ${grouped(config.sft.batch_size)} solutions`
    }`,
    ...(sftOnly ? [] : reinforcement),
    `folder      ${config.output_dir}/${config.run_name} (-2, -3, ... if that is taken)`,
  ];
}
