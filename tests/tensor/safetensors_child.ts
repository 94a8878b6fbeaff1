/**
 * Loads mutated safetensors files; exits 0 if each gives a clear error or loads soundly.
 *
 *     deno run -A tests/tensor/safetensors_child.ts FILE SEED COUNT
 */
import { initialize } from "../../ffi/library.ts";
import { memory } from "../../src/tensor/memory.ts";
import { SafetensorsError, SafetensorsFile } from "../../src/tensor/safetensors.ts";
import { liveTensors, scope, TensorError } from "../../src/tensor/tensor.ts";

const [path, seed, count] = [Deno.args[0], Number(Deno.args[1]), Number(Deno.args[2])];
const sound = Deno.readFileSync(path);
const header = 8 + Number(new DataView(sound.buffer).getBigUint64(0, true));

let state = seed;
function below(n: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor(state / 2 ** 32 * n);
}
/** Mostly in the header, which is what is parsed. */
const place = (length: number) => below(4) === 0 ? below(length) : below(Math.min(header, length));

function mutate(): Uint8Array {
  let bytes = sound.slice();
  for (let n = 1 + below(3); n > 0 && bytes.length > 0; n--) {
    const at = place(bytes.length);
    switch (below(6)) {
      case 0:
        bytes[at] ^= 1 << below(8);
        break;
      case 1:
        bytes[at] = below(256);
        break;
      case 2:
        bytes = bytes.slice(0, below(bytes.length + 1));
        break;
      case 3: {
        const more = Uint8Array.from({ length: 1 + below(20) }, () => 48 + below(10));
        bytes = new Uint8Array([...bytes.subarray(0, at), ...more, ...bytes.subarray(at)]);
        break;
      }
      case 4:
        bytes.copyWithin(at, place(bytes.length), Math.min(bytes.length, at + below(40)));
        break;
      default:
        bytes[at] = '0123456789[]{},:"-e.'[below(20)].charCodeAt(0);
    }
  }
  return bytes;
}

await initialize({ threads: 1 });
const mutated = `${path}.mutated`;
const live = liveTensors();
let loaded = 0, refused = 0;
const reasons = new Set<string>();
for (let i = 0; i < count; i++) {
  const bytes = mutate();
  Deno.writeFileSync(mutated, bytes);
  try {
    scope(() => {
      using file = new SafetensorsFile(mutated);
      let total = 0;
      for (const name of file.entries.keys()) {
        total += file.get(name).toTypedArray().byteLength;
      }
      if (total > bytes.length || memory().current > 2 ** 24) {
        console.error(`mutation ${i}: ${total} bytes from a file of ${bytes.length}`);
        Deno.exit(3);
      }
    });
    loaded++;
  } catch (error) {
    refused++;
    if (!(error instanceof SafetensorsError || error instanceof TensorError)) {
      console.error(`mutation ${i}: unclear`, error);
      Deno.exit(3);
    }
    reasons.add(error.message.replace(/[\d\W_]+/g, " ").slice(0, 90));
  }
}
Deno.removeSync(mutated);
console.log(JSON.stringify({ loaded, refused, live: liveTensors() - live }));
