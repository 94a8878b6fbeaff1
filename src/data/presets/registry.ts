/** Every preset by the name that configs use. */

import { aime, amc } from "./aime.ts";
import { gpqa } from "./gpqa.ts";
import { gsm8k } from "./gsm8k.ts";
import { humaneval } from "./humaneval.ts";
import { limo } from "./limo.ts";
import { livecodebench } from "./livecodebench.ts";
import { mapped } from "./mapped.ts";
import { math } from "./math.ts";
import { mbpp } from "./mbpp.ts";
import { minerva } from "./minerva.ts";
import { olympiadbench } from "./olympiadbench.ts";
import { openr1Math } from "./openr1_math.ts";
import type { Preset } from "./preset.ts";
import { s1k } from "./s1k.ts";
import { verifiableCoding } from "./verifiable_coding.ts";
import { verl } from "./verl.ts";

/** The name of a preset. */
export type PresetName =
  | "aime"
  | "amc"
  | "gpqa"
  | "gsm8k"
  | "humaneval"
  | "limo"
  | "livecodebench"
  | "math"
  | "mbpp"
  | "minerva"
  | "olympiadbench"
  | "openr1-math"
  | "s1k"
  | "verifiable-coding"
  | "verl";

const PRESETS: Readonly<Record<PresetName, Preset>> = {
  aime,
  amc,
  gpqa,
  gsm8k,
  humaneval,
  limo,
  livecodebench,
  math,
  mbpp,
  minerva,
  olympiadbench,
  "openr1-math": openr1Math,
  s1k,
  "verifiable-coding": verifiableCoding,
  verl,
};

/** The names of all presets. */
export const PRESET_NAMES: readonly PresetName[] = Object.keys(PRESETS) as PresetName[];

/** The preset of this name; null is the plain column mapping. Throws if there is none. */
export function findPreset(name: PresetName | null): Preset {
  if (name === null) return mapped;
  if (!Object.hasOwn(PRESETS, name)) {
    throw new Error(
      `Cannot read data with a preset as 'preset' must be one of ${PRESET_NAMES.join(", ")}: ` +
        `current value is '${name}'`,
    );
  }
  return PRESETS[name];
}
