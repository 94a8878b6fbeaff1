/** The same GRPO step by TRL, where a Python with it and the scripts are given. */

/** Where the peers are. */
export interface Peers {
  /** A Python with torch, transformers and trl. */
  readonly python: string;
  /** A folder with make_model.py and grpo_step.py. */
  readonly scripts: string;
}

/** Runs a peer's script and reads the JSON of its last line. */
export async function runPeer(
  peers: Peers,
  script: string,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const { success, stdout, stderr } = await new Deno.Command(peers.python, {
    args: [`${peers.scripts}/${script}`, ...args],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  if (!success) {
    const reason = new TextDecoder().decode(stderr).trim().split("\n").slice(-3).join(" ");
    throw new Error(`The peer's ${script} failed: ${reason}`);
  }
  return JSON.parse(text.split("\n").at(-1)!);
}
