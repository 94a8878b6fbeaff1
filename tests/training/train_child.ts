/** A run in a process of its own, to be killed: `train_child.ts CONFIG_JSON`. It resumes if there is something to. */
import { parseConfig } from "../../src/training/config.ts";
import { train } from "../../src/training/train.ts";

const config = parseConfig(JSON.parse(Deno.args[0]));
const { ending } = await train(config, {
  resume: true,
  reporter: { start: () => console.log("started") },
});
console.log(ending);
