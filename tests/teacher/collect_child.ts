/** A collection in a process of its own, to be killed: URL, output file, number of problems. */
import { collect } from "../../src/teacher/collect.ts";
import { sums, teacherAt, traces } from "./collecting.ts";

const [url, out, count] = Deno.args;
const { kept } = await collect({
  teacher: teacherAt(url),
  task: traces(),
  problems: sums(Number(count)),
  out,
  concurrency: 4,
});
console.log(kept);
