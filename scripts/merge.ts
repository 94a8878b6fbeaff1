/** `deno task merge`: folds LoRA adapters into their base model. */
import { initialize } from "../ffi/library.ts";
import { mergeFolder } from "../src/models/merge.ts";
import { type Command, parseCommand, runCommand, UsageError } from "../src/std/help.ts";
import { integerOption } from "../src/std/option_values.ts";
import { type DType } from "../src/tensor/dtype.ts";

const dtypes: readonly DType[] = ["float32", "bfloat16", "float16"];

const command: Command = {
  name: "deno task merge",
  summary: "Folds LoRA adapters into their base model and writes a whole model folder.\n" +
    "FOLDER holds adapter_config.json and adapter_model.safetensors, as Handrail and PEFT save them.",
  usage: "FOLDER --out=FOLDER",
  options: [
    { name: "out", value: "FOLDER", description: "The folder to make; it must not exist" },
    {
      name: "base",
      value: "FOLDER",
      description: "The base model. Default: what adapter_config.json names",
    },
    {
      name: "dtype",
      value: "DTYPE",
      description: `${dtypes.join(", ")}. Default: the base model's`,
    },
    { name: "threads", value: "N", description: "CPU threads of libtorch" },
  ],
  examples: [
    {
      call: "deno task merge runs/lora/final --out=models/merged",
      description: "A model that any tool loads",
    },
  ],
};

if (import.meta.main) {
  await runCommand(command, Deno.args, async (args) => {
    const { options: { out, base, dtype, ...options }, positionals } = parseCommand(
      command,
      args,
      1,
    );
    if (positionals.length === 0) {
      throw new UsageError("No folder of adapters: deno task merge FOLDER --out=FOLDER");
    }
    if (typeof out !== "string") {
      throw new UsageError("No folder to make: give --out=FOLDER");
    }
    if (dtype !== undefined && !dtypes.includes(dtype as DType)) {
      throw new UsageError(
        `Option '--dtype' must be ${dtypes.join(", ")}: current value is '${dtype}'`,
      );
    }
    await initialize({ threads: integerOption(options, "threads", { min: 1 }) });
    const merged = await mergeFolder(positionals[0], out, {
      ...(typeof base === "string" ? { base } : {}),
      ...(dtype === undefined ? {} : { dtype: dtype as DType }),
    });
    console.log(
      `${out}: ${merged.base} with ${merged.modules.length} adapted layers, as ${merged.dtype}`,
    );
  });
}
