/** What LoRA adapters are like: their settings, and the names and shapes that follow from them. */
import { ModelError } from "./config_reader.ts";

/** What adapters are like. */
export interface LoraSettings {
  /** r, the rank: rows of A and columns of B. */
  readonly r: number;
  /** α, above 0: the adapters' output is scaled by α / r. */
  readonly alpha: number;
  /** Probability, 0 to below 1, that an input of an adapter is dropped in a training pass. */
  readonly dropout: number;
  /**
   * The linear layers that get an adapter: all of them but the head, or those of which a name is the whole or the end:
   * `q_proj`, `mlp.up_proj`, `model.layers.0.self_attn.q_proj`.
   */
  readonly targetModules: "all-linear" | readonly string[];
  /** Scale by α / √r instead. */
  readonly useRslora: boolean;
}

/** The factor s of an adapter's output. */
export function loraScale({ r, alpha, useRslora }: LoraSettings): number {
  return alpha / (useRslora ? Math.sqrt(r) : r);
}

/** The name that PEFT stores a matrix of a layer's adapter under. */
export function adapterName(module: string, matrix: "A" | "B"): string {
  return `base_model.model.${module}.lora_${matrix}.weight`;
}

/** The layer whose A is stored under a name; null where the name is none of an A. */
export function moduleOfA(name: string): string | null {
  return /^base_model\.model\.(.+)\.lora_A\.weight$/.exec(name)?.[1] ?? null;
}

/** Linear layers of the decoder by name, from the names and shapes of all parameters. */
function linearModules(shapes: ReadonlyMap<string, readonly number[]>): string[] {
  return [...shapes].flatMap(([name, shape]) =>
    shape.length === 2 && /^model\.layers\.\d+\..+\.weight$/.test(name)
      ? [name.slice(0, -".weight".length)]
      : []
  );
}

/**
 * Names (PEFT's) and shapes of the adapters' matrices, layer by layer: A is [r, in], B is [out, r].
 *
 * @param shapes Names and shapes of the base model's parameters.
 * @throws {RangeError} when a setting is out of range.
 * @throws {ModelError} when a target is no linear layer of the model; the message lists what is.
 */
export function adapterShapes(
  shapes: ReadonlyMap<string, readonly number[]>,
  settings: LoraSettings,
): Map<string, number[]> {
  checkSettings(settings);
  const { r, targetModules } = settings;
  const all = linearModules(shapes);
  let adapted = all;
  if (targetModules !== "all-linear") {
    const matches = (module: string, target: string) =>
      module === target || module.endsWith(`.${target}`);
    const unknown = targetModules.filter((target) => !all.some((one) => matches(one, target)));
    if (unknown.length > 0 || targetModules.length === 0) {
      const ends = new Set(all.map((module) => module.split(".").at(-1)));
      const named = unknown.slice(0, 8).map((target) => `'${target}'`).join(", ");
      throw new ModelError(
        `Cannot adapt ${
          named || "no layer at all"
        }: 'target_modules' must be all-linear or names of linear layers, which are ` +
          `${[...ends].join(", ")} here`,
      );
    }
    adapted = all.filter((module) => targetModules.some((target) => matches(module, target)));
  }
  return new Map(adapted.flatMap((module): [string, number[]][] => {
    const [outputs, inputs] = shapes.get(`${module}.weight`)!;
    return [[adapterName(module, "A"), [r, inputs]], [adapterName(module, "B"), [outputs, r]]];
  }));
}

function checkSettings({ r, alpha, dropout }: LoraSettings): void {
  const refuse = (name: string, want: string, value: number): never => {
    throw new RangeError(
      `Cannot make adapters as '${name}' must be ${want}: current value is ${value}`,
    );
  };
  if (!(Number.isSafeInteger(r) && r >= 1)) refuse("r", "a positive integer", r);
  if (!(alpha > 0 && alpha < Infinity)) refuse("alpha", "a number above 0", alpha);
  if (!(dropout >= 0 && dropout < 1)) refuse("dropout", "from 0 to below 1", dropout);
}
