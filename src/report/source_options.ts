/** The flags with which commands say how a data set is read and how its questions become prompts. */
import { detectPreset, firstRow } from "../data/detect_preset.ts";
import { PRESET_NAMES, type PresetName } from "../data/presets/registry.ts";
import {
  type ColumnMapping,
  type DataSource,
  type LoadedProblems,
  loadProblems,
  OWN_COLUMNS,
} from "../data/source.ts";
import { type CommandOption, UsageError } from "../std/help.ts";
import { type OptionTexts } from "../std/option_values.ts";
import { suggest } from "../std/text.ts";
import { parse as parseYaml } from "../std/yaml.ts";
import { type DataSettings, parseConfig } from "../training/config.ts";
import { TerminalReporter } from "./terminal.ts";

const parts = ["prompt", "answer", "trace", "tier", "id", "tests"] as const;

/** Flags that say how rows are read. */
export const sourceOptions: readonly CommandOption[] = [
  {
    name: "preset",
    value: "NAME",
    description: `How rows are read: ${PRESET_NAMES.join(", ")}. Default: by its columns`,
  },
  ...parts.map((part): CommandOption => ({
    name: `columns.${part}`,
    value: "COLUMN",
    description: `The column of the ${part}; a dotted path reaches into nested values`,
  })),
  {
    name: "tier-order",
    value: "A,B,...",
    description: "The values of the tier column from easy to hard",
  },
];

/** Flags that say how questions become prompts, as the config's `data` does for training. */
export const promptOptions: readonly CommandOption[] = [
  {
    name: "system-prompt",
    value: "TEXT",
    description: "reasoning, coding, none, or a text. Default: reasoning",
  },
  {
    name: "chat-template",
    value: "FILE",
    description: "auto (the model's), none, or a Jinja file. Default: auto",
  },
  {
    name: "template-kwargs",
    value: "YAML",
    description: "Variables of the template, such as '{enable_thinking: false}'",
  },
  {
    name: "completion-style",
    value: "STYLE",
    description: "tags (<think> and <answer>) or plain (a box). Default: tags",
  },
];

/** The config's `data` settings with what the flags of {@linkcode promptOptions} say. */
export function readPromptSettings(options: OptionTexts): DataSettings {
  return parseConfig({ data: givenPromptSettings(options) }).data;
}

/** What the flags of {@linkcode promptOptions} say, under the keys of the config's `data`. */
export function givenPromptSettings(options: OptionTexts): Record<string, unknown> {
  const system = options["system-prompt"];
  const kwargs = options["template-kwargs"];
  const given = {
    system_prompt: system === "none" ? null : system,
    chat_template: options["chat-template"],
    chat_template_kwargs: typeof kwargs === "string" ? parseYaml(kwargs) : undefined,
    completion_style: options["completion-style"],
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** A data set and how it is read. */
export interface NamedSource {
  /** The data set. */
  readonly source: DataSource;
  /** How it is read, and why, for people. */
  readonly reading: string;
}

/**
 * The data set at a path, read as the flags say, or as its first row suggests.
 *
 * @throws {UsageError} for an unknown preset, and where neither says how to read it.
 */
export async function readSource(path: string, options: OptionTexts): Promise<NamedSource> {
  const columns: { -readonly [part in keyof ColumnMapping]: string } = {};
  for (const part of parts) {
    const column = options[`columns.${part}`];
    if (typeof column === "string") columns[part] = column;
  }
  const order = options["tier-order"];
  const source = {
    path,
    tier_order: typeof order === "string" ? order.split(",") : null,
    weight: 1,
    name: null,
  };
  const given = Object.keys(columns).length === 0 ? null : columns;
  if (typeof options.preset === "string") {
    const preset = presetOption(options.preset);
    return { source: { ...source, preset, columns: given }, reading: `preset ${preset}` };
  }
  if (columns.prompt !== undefined && (columns.answer ?? columns.tests) !== undefined) {
    return { source: { ...source, preset: null, columns }, reading: "the columns that were named" };
  }
  const first = await firstRow(path);
  if (first === null) {
    // Reading it says what is wrong with it.
    return { source: { ...source, preset: null, columns: OWN_COLUMNS }, reading: "own columns" };
  }
  const detected = detectPreset(first.row, path);
  if (detected === null) {
    const has = Object.keys(first.row).slice(0, 20).join(", ");
    throw new UsageError(
      `Cannot tell how to read '${path}': its columns are ${has}. Give --preset=NAME, which is one of ` +
        `${PRESET_NAMES.join(", ")}, or --columns.prompt=COLUMN and --columns.answer=COLUMN`,
    );
  }
  const { preset, because } = detected;
  const merged = { ...detected.columns, ...given };
  return {
    source: { ...source, preset, columns: Object.keys(merged).length === 0 ? null : merged },
    reading: preset === null ? because : `preset ${preset}, by ${because}`,
  };
}

/** Reads a source and shows on stderr how far that is. */
export async function loadWithProgress(source: DataSource): Promise<LoadedProblems> {
  const reporter = new TerminalReporter();
  try {
    return await loadProblems(source, {
      onRow(rows) {
        if (rows % progressEvery === 0) {
          reporter.preparing(`reading ${source.path}, rows`, rows, null);
        }
      },
    });
  } finally {
    reporter.end();
  }
}

/** Rows between two words of progress. */
const progressEvery = 256;

function presetOption(name: string): PresetName {
  if ((PRESET_NAMES as readonly string[]).includes(name)) return name as PresetName;
  const meant = suggest(name, PRESET_NAMES);
  throw new UsageError(
    `Option '--preset' must be one of ${PRESET_NAMES.join(", ")}: current value is '${name}'` +
      (meant === undefined ? "" : `; did you mean '${meant}'?`),
  );
}
