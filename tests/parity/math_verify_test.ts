/** Verdicts on answers of the data sets against Math-Verify: wherever the two differ, ours is the right one. */
import { Random } from "../../src/data/random.ts";
import { gradeAccuracy } from "../../src/rewards/accuracy.ts";
import { assert, assertEquals } from "../../src/std/assert.ts";
import { noSharedData } from "../data/support.ts";
import { maybeTest } from "../support.ts";
import { bare, CHANGES, loadSet, SETS, VARIANTS } from "./math_verify_cases.ts";

const python = Deno.env.get("HANDRAIL_PEER_PYTHON");
const skipReason = noSharedData ??
  (python ? undefined : "HANDRAIL_PEER_PYTHON does not name a Python with math-verify");

interface Case {
  readonly gold: string;
  readonly said: string;
  readonly prompt: string;
  readonly right: boolean;
}

/** Each gold answer in another spelling and with a change, in turn. */
async function cases(): Promise<Case[]> {
  const random = new Random(2, "cases");
  const writings = Object.entries(VARIANTS).filter(([name]) => name !== "prose");
  const changes = Object.values(CHANGES);
  const found: Case[] = [];
  for (const set of SETS) {
    for (const [i, { prompt, answer }] of (await loadSet(set, 60)).entries()) {
      const gold = bare(answer);
      if (gold.includes("$") || gold.includes("phantom")) continue;
      const text = writings[i % writings.length][1](answer)
        ?.replace(
          /<think>a<\/think>|<\/?answer>|^(?:So it|It) is \$\\boxed\{|\}\$\.$|^\$|\$$/g,
          "",
        );
      if (text !== undefined && !prompt.includes(text)) {
        found.push({ gold, said: text, prompt, right: true });
      }
      const changed = changes[i % changes.length](gold, random);
      if (changed !== null && changed !== gold) {
        found.push({ gold, said: changed, prompt, right: false });
      }
    }
  }
  return found;
}

async function askPeer(pairs: readonly [string, string][]): Promise<boolean[]> {
  const child = new Deno.Command(python!, {
    args: [new URL("math_verify_peer.py", import.meta.url).pathname],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const output = child.output();
  await writer.write(new TextEncoder().encode(JSON.stringify(pairs)));
  await writer.close();
  const { success, stdout } = await output;
  assert(success);
  return JSON.parse(new TextDecoder().decode(stdout));
}

maybeTest(
  "Math-Verify: agrees on nearly all answers, and where not, ours is right",
  skipReason,
  async () => {
    const all = await cases();
    assert(all.length > 700, `${all.length} cases`);
    const theirs = await askPeer(all.map(({ gold, said }) => [`$${gold}$`, `\\boxed{${said}}`]));
    const wrong: string[] = [];
    let agreed = 0;
    for (const [i, { gold, said, prompt, right }] of all.entries()) {
      const ours = gradeAccuracy(`\\boxed{${said}}`, { prompt, answer: gold }) === 1;
      if (ours === theirs[i]) agreed++;
      if (ours !== right) wrong.push(`${said} for ${gold}: ours ${ours}, Math-Verify ${theirs[i]}`);
    }
    assertEquals(wrong, []);
    assert(agreed > 0.95 * all.length, `${agreed} of ${all.length}`);
  },
);
