/** The memory that a run can have on this machine, asked for without libtorch. */
import { currentHost, run, which } from "../../ffi/host.ts";
import { type Config } from "./config.ts";
import { heldMemory, type RunPlan, totalMemory } from "./plan.ts";

/** Where a run would be, and the memory there. */
export interface Machine {
  /** The GPU where there is one and the config does not say otherwise. */
  readonly device: "cpu" | "cuda";
  /** Bytes that can be had; null where that is not known. */
  readonly available: number | null;
}

/**
 * This machine for a config. The GPU is asked by nvidia-smi; the CPU's memory needs
 * `--allow-sys=systemMemoryInfo` and is unknown without it.
 */
export async function machineFor({ device }: Config): Promise<Machine> {
  if (device !== "cpu") {
    const free = await freeGpuMemory();
    if (free !== null || device === "cuda") return { device: "cuda", available: free };
  }
  const permission = { name: "sys", kind: "systemMemoryInfo" } as const;
  const permitted = Deno.permissions.querySync(permission).state === "granted";
  return { device: "cpu", available: permitted ? Deno.systemMemoryInfo().available : null };
}

async function freeGpuMemory(): Promise<number | null> {
  const host = currentHost();
  const command = which(host, "nvidia-smi");
  if (command === null) return null;
  const args = ["--query-gpu=memory.free", "--format=csv,noheader,nounits"];
  const { code, stdout } = await run(host, command, args, { timeoutSeconds: 20 });
  const mebibytes = Number(stdout.split("\n")[0].trim());
  return code === 0 && mebibytes > 0 ? mebibytes * 2 ** 20 : null;
}

/**
 * Why a run cannot be, or cannot be sure to be, within the memory there is; null if it fits.
 *
 * `never`: what is held all through does not fit. `at most`: the longest rollouts or rows would not.
 */
export function memoryTrouble(
  plan: RunPlan,
  available: number | null,
): { readonly kind: "never" | "at most"; readonly text: string } | null {
  if (available === null) return null;
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const held = heldMemory(plan.memory), total = totalMemory(plan.memory);
  const { cache, activations } = plan.memory;
  if (held > available) {
    return {
      kind: "never",
      text: `weights, gradients and optimizer take ${gib(held)} and ${gib(available)} are free: ` +
        "take a smaller model, LoRA (--model.use_peft), or a machine with more memory",
    };
  }
  if (total <= available) return null;
  const way = cache > activations
    ? "a smaller rollout_batch_size and eval.batch_size, or shorter completions (max_completion_length)"
    : "a smaller per_device_train_batch_size with more gradient_accumulation_steps, or " +
      "--model.gradient_checkpointing";
  return {
    kind: "at most",
    text: `up to ${gib(total)} are needed and ${gib(available)} are free: take ${way}`,
  };
}
