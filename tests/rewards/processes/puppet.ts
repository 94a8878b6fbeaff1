/** A reward that does what its completion says. */
import type { Reward } from "../../../src/rewards/reward.ts";

const puppet: Reward = {
  name: "puppet",
  async score({ completion, completionIds, problem }, context) {
    const [word, argument = ""] = completion.split(" ");
    switch (word) {
      case "loop":
        for (;;);
      case "never":
        return await new Promise(() => {});
      case "heap": {
        const kept: unknown[] = [];
        for (;;) kept.push({ kept: kept.length, list: new Array(100).fill(0.5) });
      }
      case "buffers": {
        const kept: Uint8Array[] = [];
        for (;;) kept.push(new Uint8Array(16 * 1024 * 1024).fill(1));
      }
      case "throw":
        throw new RangeError("the judge is out");
      case "reject":
        return await Promise.reject("without an error");
      case "broken":
        setTimeout(() => {
          throw new Error("a timer broke");
        });
        return await new Promise(() => {});
      case "die":
        Deno.kill(Deno.pid, "SIGKILL");
        return await new Promise(() => {});
      case "die_once":
        if (await exists(argument)) return 7;
        await Deno.writeTextFile(argument, "");
        Deno.kill(Deno.pid, "SIGKILL");
        return await new Promise(() => {});
      case "sleep":
        await new Promise((resolve) => setTimeout(resolve, Number(argument)));
        return 1;
      case "sleep_pid":
        await new Promise((resolve) => setTimeout(resolve, Number(argument)));
        return Deno.pid;
      case "ask": {
        const score = await context.scoreOf(argument);
        return typeof score === "number" ? 10 * score : { ungraded: `told: ${score.ungraded}` };
      }
      case "ask_loop":
        await context.scoreOf(argument);
        for (;;);
      case "garbage": {
        let kept = 0;
        for (let i = 0; i < 60; i++) {
          const list = Array.from({ length: 200_000 }, (_, k) => ({ k, i }));
          kept += list[i].k;
        }
        return kept > 0 ? 1 : 0;
      }
      case "group":
        return context.group.findIndex((one) => one.completionIds[0] === completionIds[0]) +
          100 * context.group.length +
          (context.group.every((one) => one.problem === problem) ? 10_000 : 0);
      case "tell":
        return { ungraded: `problem ${problem.id}` };
      case "print":
        console.log("said", { by: "the puppet" });
        return 1;
      case "env":
        return Deno.env.get(argument) === undefined ? 0 : 1;
      case "pid":
        return Deno.pid;
      case "text":
        return "1" as unknown as number;
      default:
        return Number(word);
    }
  },
};

export default puppet;

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
