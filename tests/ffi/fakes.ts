/** A machine made of shell scripts and empty files, so that every way to fail can be tested fast and offline. */
import type { Host } from "../../ffi/host.ts";

/** A 64-bit ELF shared library with nothing in it but what it needs. */
export function elf(
  needed: readonly string[],
  arch: string = Deno.build.arch,
): Uint8Array<ArrayBuffer> {
  const strings = new TextEncoder().encode(`\0${needed.map((name) => `${name}\0`).join("")}`);
  const dynamicAt = 64 + 2 * 56;
  const dynamicLength = (needed.length + 2) * 16;
  const stringsAt = dynamicAt + dynamicLength;
  const bytes = new Uint8Array(stringsAt + strings.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(18, arch === "x86_64" ? 62 : 183, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);
  const segment = (at: number, type: number, offset: number, length: number) => {
    view.setUint32(at, type, true);
    view.setBigUint64(at + 8, BigInt(offset), true);
    view.setBigUint64(at + 16, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(length), true);
  };
  segment(64, 1, 0, bytes.length);
  segment(64 + 56, 2, dynamicAt, dynamicLength);
  let name = 1;
  [...needed, null].forEach((library, i) => {
    const at = dynamicAt + i * 16;
    view.setBigInt64(at, library === null ? 5n : 1n, true);
    view.setBigUint64(at + 8, BigInt(library === null ? stringsAt : name), true);
    name += (library?.length ?? 0) + 1;
  });
  bytes.set(strings, stringsAt);
  return bytes;
}

/** Writes a file and the folders it is in. */
export function write(path: string, content: string | Uint8Array<ArrayBuffer>, mode = 0o644): void {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  if (typeof content === "string") Deno.writeTextFileSync(path, content);
  else Deno.writeFileSync(path, content);
  Deno.chmodSync(path, mode);
}

/** Writes what passes for a libtorch. */
export function writeLibtorch(
  folder: string,
  o: { version?: string; needed?: string[]; arch?: string } = {},
): void {
  const { version = "2.13.0+cu130" } = o;
  write(`${folder}/version.py`, `__version__ = '${version}'\ncuda: Optional[str] = '13.0'\n`);
  write(`${folder}/include/ATen/core/Tensor.h`, "");
  write(`${folder}/lib/libtorch_cpu.so`, elf(o.needed ?? ["libc10.so", "libc.so.6"], o.arch));
  write(`${folder}/lib/libc10.so`, elf(["libc.so.6"], o.arch));
}

/** The fake machine: its host, its folders, and what was run on it. */
export interface Fakes extends Disposable {
  readonly host: Host;
  readonly folder: string;
  readonly cache: string;
  /** The command lines that the installer and the compiler got, one a line. */
  calls(): string[];
  /** The same machine with further environment variables, or without a program. */
  with(env: Record<string, string>): Host;
  without(program: string): void;
}

const python = `#!/bin/sh
case "$*" in
  *platform*) echo 3.12.0; exit 0;;
  *find_spec*) echo "$FAKE_TORCH"; exit 0;;
  "-m pip --version") [ -z "$FAKE_NO_PIP" ] || exit 1; echo "pip 25"; exit 0;;
esac
echo "pip $*" >> "$FAKE_LOG"
/usr/bin/env > "$FAKE_LOG.env"
if [ -n "$FAKE_PIP_ERROR" ]; then echo "$FAKE_PIP_ERROR" >&2; exit 1; fi
[ -z "$FAKE_PIP_SLOW" ] || /bin/sleep "$FAKE_PIP_SLOW"
while [ "$1" != --target ]; do shift; done
/bin/mkdir -p "$2"
case "$*" in
  *torch==*) /bin/cp -r "$FAKE_WHEEL/." "$2";;
  *) /bin/cp -r "$FAKE_MORE/." "$2";;
esac
`;

const compiler = `#!/bin/sh
if [ "$1" = --version ]; then echo "\${FAKE_CXX_VERSION:-c++ (Fake) 12.2.0}"; exit 0; fi
echo "c++ $*" >> "$FAKE_LOG"
if [ -n "$FAKE_CXX_ERROR" ]; then echo "$FAKE_CXX_ERROR" >&2; exit 1; fi
while [ "$1" != -o ]; do shift; done
echo built > "$2"
`;

/** Makes a fake machine with Python, pip and a compiler. */
export function makeFakes(): Fakes {
  const folder = Deno.makeTempDirSync({ prefix: "handrail_ffi_" });
  const bin = `${folder}/bin`;
  write(`${bin}/python3`, python, 0o755);
  write(`${bin}/c++`, compiler, 0o755);

  const wheel = `${folder}/wheel`;
  writeLibtorch(`${wheel}/torch`, { needed: ["libc10.so", "libcudart.so.13", "libc.so.6"] });
  write(`${wheel}/torch/lib/libtorch_cuda.so`, elf([]));
  write(`${wheel}/torch/lib/libtorch_python.so`, elf([]));
  write(`${wheel}/torch/nn/__init__.py`, "");
  write(`${wheel}/functorch/__init__.py`, "");
  write(
    `${wheel}/torch-2.13.0.dist-info/METADATA`,
    "Name: torch\nRequires-Dist: filelock\n" +
      'Requires-Dist: cuda-toolkit[cublas,cudart]==13.0.3; platform_system == "Linux"\n' +
      'Requires-Dist: nvidia-nccl-cu13==2.29.7; platform_system == "Linux"\n' +
      'Requires-Dist: optree>=0.13.0; extra == "optree"\n',
  );
  write(`${folder}/more/nvidia/cu13/lib/libcudart.so.13`, elf(["libc.so.6"]));
  write(`${folder}/more/nvidia/cu13/lib/libcudart_static.a`, "");

  const cache = `${folder}/cache`;
  const log = `${folder}/log`;
  const env = {
    PATH: bin,
    HANDRAIL_CACHE: cache,
    FAKE_LOG: log,
    FAKE_WHEEL: wheel,
    FAKE_MORE: `${folder}/more`,
  };
  const host = { env, os: "linux", arch: Deno.build.arch };
  return {
    host,
    folder,
    cache,
    calls() {
      try {
        return Deno.readTextFileSync(log).trim().split("\n");
      } catch {
        return [];
      }
    },
    with: (more) => ({ ...host, env: { ...env, ...more } }),
    without: (program) => Deno.removeSync(`${bin}/${program}`),
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}
