/** A run's plan as text. */
import { type Config } from "../training/config.ts";
import { type RunPlan, totalMemory } from "../training/plan.ts";
import { rewardWeights } from "../training/reward_settings.ts";
import { bytes, grouped } from "./format.ts";

/** The lines that `--dry-run` prints below the config; of a warm start alone, only what that does. */
export function formatPlan(config: Config, plan: RunPlan, sftOnly = false): string[] {
  const { memory, problems, numGenerations, guided, steps } = plan;
  const { guidance, data } = config;
  const given = guided === 0
    ? "none guided"
    : `${guided} of each group guided, by ${guidance.controller} from ℓ = ${guidance.length}`;
  const epochs = (count: number | null) => `${count} epochs of the data, in steps`;
  const benchmarks = data.task !== "dataset"
    ? `${grouped(config.eval.num_problems)} held-out problems`
    : config.eval.data.length > 0
    ? `${config.eval.data.map(({ name, path }) => name ?? path).join(", ")}, at most ${
      grouped(config.eval.num_problems)
    } problems each,`
    : `a tenth of the data, held out, at most ${grouped(config.eval.num_problems)} problems,`;
  const rewards = Array.from(
    rewardWeights(config.rewards),
    ([name, weight]) => `${weight} ${name}`,
  );
  const { provider } = config.sandbox;
  const runsPrograms = config.rewards.code_execution !== undefined;
  const reinforcement = [
    `reward      ${rewards.join(" + ")}${runsPrograms ? `, programs in ${provider}` : ""}`,
    `training    ${
      steps === null ? epochs(config.num_train_epochs) : `${grouped(steps)} steps`
    } of P = ${problems} problems x G = ${numGenerations} rollouts; ${given}`,
    `            at most ${grouped(plan.maxTokensPerStep)} completion tokens a step, ${
      plan.passes === 1 ? "1 pass" : `${plan.passes} passes`
    } over them`,
    `evaluation  ${benchmarks} before and after${
      config.eval.steps > 0 ? ` and every ${config.eval.steps} steps` : ""
    }`,
  ];
  const warmStart = plan.sftSteps === null
    ? `${epochs(config.sft.num_train_epochs)} of ${grouped(config.sft.batch_size)} solutions`
    : plan.sftSteps === 0
    ? "none"
    : `${grouped(plan.sftSteps)} steps of ${grouped(config.sft.batch_size)} solutions`;
  return [
    `model       ${config.model.path ?? config.model.preset}, ${
      grouped(plan.parameters)
    } parameters in ${plan.dtype}${
      plan.trainable === plan.parameters ? "" : `, ${grouped(plan.trainable)} of LoRA trained`
    }`,
    `memory      at most ${bytes(totalMemory(memory))}: weights ${
      bytes(memory.weights)
    }, gradients ${bytes(memory.gradients)}, optimizer ${bytes(memory.optimizer)},`,
    `            and in turn ${bytes(memory.cache)} of rollout cache and ${
      bytes(memory.activations)
    } of activations`,
    ...(data.task !== "dataset" ? [] : [
      `data        ${
        data.path ?? (data.sources.map(({ path }) =>
          path
        ).join(", ") || "not given: --data.path=FILE")
      }`,
    ]),
    `warm start  ${warmStart}`,
    ...(sftOnly ? [] : reinforcement),
    `folder      ${config.output_dir}/${config.run_name} (-2, -3, ... if that is taken)`,
  ];
}
