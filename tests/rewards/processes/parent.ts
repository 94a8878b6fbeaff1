/** A program that scores in a process: it prints that process's id, and then does what its argument says. */
import { processReward } from "../../../src/rewards/process.ts";
import { contextOf, sampleOf } from "../samples.ts";

const reward = processReward({
  name: "puppet",
  module: new URL("puppet.ts", import.meta.url).href,
  timeoutMs: 60_000,
});
const score = (completion: string) => {
  const one = sampleOf({ completion });
  return reward.score(one, contextOf([one]));
};
console.log(await score("pid"));
if (Deno.args[0] === "loop") await score("loop");
// Otherwise it ends here, with a process that it never disposed of.
