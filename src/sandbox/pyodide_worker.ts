/**
 * The interpreter, in a worker of its own: Pyodide's WebAssembly and its libc, without Pyodide's bridge to JavaScript.
 *
 * A WebAssembly program can do nothing but compute and call what it imports. Of Pyodide's imports only those of a libc
 * are left (files in memory, clocks, random numbers); whatever hands out, calls or makes anything of JavaScript ends
 * the program. All that a run can change is thus the interpreter's memory and its file system, and both are put back
 * to what they were before the next.
 */

/** The interpreter's memory at the point that every program starts from. */
export interface Image {
  /** Bytes of the whole memory. */
  readonly bytes: number;
  /** Offset and length of what is not zero, in order; its bytes follow one another in the image's body. */
  readonly segments: readonly (readonly [number, number])[];
  /** The stack pointer. */
  readonly stack: number;
  /** Place in the function table of the trampoline, which is not an export of the module. */
  readonly trampoline: number;
}

/** Where things are. */
export interface Layout {
  /** The program's file. */
  readonly programPath: string;
  /** The exit code that stands for a MemoryError. */
  readonly outOfMemoryCode: number;
}

/** What a worker is told. */
export type ToWorker =
  | {
    /** Boots from an image. */
    readonly type: "boot";
    readonly module: WebAssembly.Module;
    readonly glue: string;
    readonly library: Uint8Array<ArrayBuffer>;
    readonly layout: Layout;
    readonly image: Image;
    readonly memory: Uint8Array<ArrayBuffer>;
  }
  | {
    /** Boots as Pyodide does and makes an image. */
    readonly type: "make";
    readonly module: WebAssembly.Module;
    readonly glue: string;
    readonly library: Uint8Array<ArrayBuffer>;
    readonly layout: Layout;
    readonly loader: string;
    readonly start: string;
  }
  | { readonly type: "program"; readonly source: Uint8Array<ArrayBuffer> }
  | {
    readonly type: "run";
    readonly input: Uint8Array<ArrayBuffer>;
    readonly memoryBytes: number;
    readonly outputBytes: number;
  };

/** What a worker says. */
export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly reason: string }
  | {
    readonly type: "image";
    readonly image: Image;
    readonly memory: Uint8Array<ArrayBuffer>;
  }
  | { readonly type: "begun" }
  | {
    readonly type: "ended";
    readonly how: "exited" | "memory" | "output_limit";
    readonly code: number;
    readonly ms: number;
    readonly stdout: Uint8Array<ArrayBuffer>;
    readonly stderr: Uint8Array<ArrayBuffer>;
    readonly truncated: boolean;
    /** Whether another program may follow: nothing was out of the ordinary. */
    readonly clean: boolean;
  };

/** The source text of the worker. */
export function workerSource(): string {
  return `(${interpreter})();`;
}

/** Runs in a worker made of its own text, so it may use nothing of this module but types. */
function interpreter(): void {
  // deno-lint-ignore no-explicit-any
  type Any = any;
  const scope = globalThis as Any;
  const post = scope.postMessage.bind(scope) as (message: FromWorker, transfer?: unknown[]) => void;
  const now = performance.now.bind(performance);
  const encoder = new TextEncoder();

  /** Thrown through WebAssembly to end a run. Not an Error: nobody needs its stack. */
  class End {
    constructor(readonly how: "exited" | "memory" | "output_limit", readonly code: number) {}
  }

  /** Imports of a libc, which touch the file system in memory, the clock and random numbers at most. */
  const libc = new Set(
    ("emscripten_date_now emscripten_get_now emscripten_get_heap_max clock_res_get clock_time_get random_get " +
      "_tzset_js _timegm_js _mktime_js _localtime_js _gmtime_js environ_sizes_get environ_get " +
      "fd_close fd_read fd_write fd_sync fd_fdstat_get fd_seek fd_pread fd_pwrite _mmap_js _munmap_js _msync_js " +
      "__syscall_getuid32_js __syscall_umask_js __syscall_ioctl __syscall_fcntl64 __syscall_openat " +
      "__syscall_faccessat __syscall_chdir __syscall_chmod __syscall_fchownat __syscall_dup __syscall_dup3 " +
      "__syscall_fchdir __syscall_fchmod __syscall_fchmodat2 __syscall_fchown32 __syscall_fdatasync " +
      "__syscall_fstat64 __syscall_stat64 __syscall_newfstatat __syscall_lstat64 __syscall_ftruncate64 " +
      "__syscall_getcwd __syscall_getdents64 __syscall_mkdirat __syscall_pipe __syscall_fadvise64 " +
      "__syscall_fallocate __syscall_readlinkat __syscall_unlinkat __syscall_rmdir __syscall_renameat " +
      "__syscall_statfs64 __syscall_fstatfs64 __syscall_symlinkat __syscall_truncate64 __syscall_utimensat " +
      // These call a function of the interpreter's own table.
      "_PyEM_TrampolineCall_JS __call_sighandler").split(" "),
  );
  const notPermitted = 63; // EPERM
  /** Imports that refuse, so that Python raises an exception. */
  const refused: Record<string, number | null> = {
    can_run_sync_js: 0,
    _Py_CheckEmscriptenSignals_Helper: 0,
    _try_fcntl64: 0,
    _try_shutdown: 0,
    _maybe_connect_async: null,
    _maybe_recvfrom_async: null,
    _maybe_sendto_async: null,
    _maybe_poll_async: null,
    emscripten_runtime_keepalive_push: 0,
    emscripten_runtime_keepalive_pop: 0,
    _emscripten_runtime_keepalive_clear: 0,
    emscripten_debugger: 0,
    emscripten_log_impl_js: 0,
    _emscripten_log_formatted: 0,
    _emscripten_get_progname: 0,
    _emscripten_lookup_name: 0,
    _emscripten_system: -notPermitted,
    _setitimer_js: -notPermitted,
    _dlopen_js: 0,
    _dlsym_js: 0,
    getprotobyname: 0,
    getaddrinfo: -4, // EAI_FAIL
    getnameinfo: -4,
  };
  const sockets =
    "accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmsg sendmsg sendto";
  for (const call of `mknodat socket ${sockets}`.split(" ")) {
    refused[`__syscall_${call}`] = -notPermitted;
  }

  let booting = true; // no program has run yet

  // What runs now.
  let input = new Uint8Array(0);
  let inputAt = 0;
  let memoryLimit = 0;
  let asked = false; // for more memory than the limit
  let ending: End | null = null;
  const output = (limited: boolean) => {
    let bytes = new Uint8Array(4096);
    let length = 0;
    let most = 0;
    let cut = false;
    return {
      begin(limit: number) {
        if (bytes.length > 65536) bytes = new Uint8Array(4096);
        [length, most, cut] = [0, limit, false];
      },
      write(part: Uint8Array): number {
        const kept = Math.min(part.length, most - length);
        if (kept < part.length) {
          cut = true;
          if (limited) end(new End("output_limit", 1));
        }
        if (length + kept > bytes.length) {
          const larger = new Uint8Array(Math.max(2 * bytes.length, length + kept));
          larger.set(bytes.subarray(0, length));
          bytes = larger;
        }
        bytes.set(part.subarray(0, kept), length);
        length += kept;
        return part.length;
      },
      taken: () => bytes.slice(0, length),
      cut: () => cut,
    };
  };
  const stdout = output(true);
  const stderr = output(false);

  /** Ends the run. The first end counts, whatever is done with the exception on its way. */
  function end(how: End): never {
    ending ??= how;
    throw ending;
  }

  /** The module's function that Pyodide's glue code defines, without it being imported as a module. */
  function evaluate(text: string, name: string, url: string): Any {
    const end = text.lastIndexOf("export");
    const body = text.slice(0, end).replaceAll("import.meta.url", JSON.stringify(url));
    return (0, eval)(`(() => {${body};return ${name};})()`);
  }

  /** Makes this look to Pyodide like a browser's worker: it has no other way without files and modules. */
  function disguise(): void {
    delete scope.process;
    delete scope.Deno;
  }

  /** The imports that the interpreter gets: see the list above. */
  function guard(imports: Any, module: WebAssembly.Module): Any {
    const guarded: Any = { ...imports, env: {}, wasi_snapshot_preview1: {} };
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      if (from !== "env" && from !== "wasi_snapshot_preview1") continue;
      const own = imports[from][name];
      if (kind !== "function" || libc.has(name)) guarded[from][name] = own;
      else if (name in refused) guarded[from][name] = () => refused[name];
      else {
        guarded[from][name] = (...values: unknown[]) => {
          if (booting) return own(...values);
          stderr.write(encoder.encode(`\nFatal: '${name}' is not to be had in this sandbox\n`));
          end(new End("exited", 134));
        };
      }
    }
    const exit = (code: number) => end(new End("exited", code));
    const abort = () => end(new End("exited", 134));
    Object.assign(guarded.env, {
      exit,
      _abort_js: abort,
      __assert_fail: abort,
      emscripten_resize_heap(bytes: number) {
        if (bytes >>> 0 > memoryLimit) {
          asked = true;
          return 0;
        }
        return imports.env.emscripten_resize_heap(bytes);
      },
      __syscall_poll(fds: number, count: number, timeout: number) {
        const ready = imports.env.__syscall_poll(fds, count, timeout);
        if (ready === 0 && timeout > 0) Atomics.wait(still, 0, 0, timeout);
        return ready;
      },
    });
    guarded.wasi_snapshot_preview1.proc_exit = exit;
    return guarded;
  }
  const still = new Int32Array(new SharedArrayBuffer(4));

  async function make(message: ToWorker & { type: "make" }): Promise<void> {
    disguise();
    const load = evaluate(
      message.loader,
      /export\s*\{\s*(\w+) as loadPyodide\b/.exec(message.loader)![1],
      "http://localhost/pyodide.mjs",
    );
    const createPyodideModule = evaluate(
      message.glue,
      "_createPyodideModule",
      "http://localhost/pyodide.asm.mjs",
    );
    scope.fetch = (url: string | URL) =>
      Promise.resolve(new Response(`${url}`.endsWith(".zip") ? message.library : null));
    let instance: Any;
    scope.WebAssembly.instantiateStreaming = async (_: unknown, imports: Any) => {
      instance = await WebAssembly.instantiate(message.module, imports);
      return { module: message.module, instance };
    };
    const pyodide = await load({
      indexURL: "http://localhost/",
      lockFileContents: lockFile,
      jsglobals: {},
      stdin: () => null,
      stdout: () => {},
      stderr: () => {},
      env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0" },
      createPyodideModule,
    });
    pyodide.runPython(message.start);
    const heap = new Uint8Array(instance.exports.memory.buffer);
    const trampoline = trampolinePlace(instance.exports);
    const segments = filled(heap);
    const memory = new Uint8Array(segments.reduce((sum, [, length]) => sum + length, 0));
    let at = 0;
    for (const [offset, length] of segments) {
      memory.set(heap.subarray(offset, offset + length), at);
      at += length;
    }
    const stack = instance.exports.__stack_pointer.value;
    post({ type: "image", image: { bytes: heap.length, segments, stack, trampoline }, memory });
  }

  /** The parts of a memory that are not zero, in pages; gaps that are not worth a part of their own are in them. */
  function filled(heap: Uint8Array<ArrayBuffer>): [number, number][] {
    const page = 4096;
    const words = new BigUint64Array(heap.buffer);
    const segments: [number, number][] = [];
    for (let offset = 0; offset < heap.length; offset += page) {
      const end = (offset + page) / 8;
      let word = offset / 8;
      while (word < end && words[word] === 0n) word++;
      if (word === end) continue;
      const last = segments.at(-1);
      if (last !== undefined && offset - (last[0] + last[1]) <= 8 * page) {
        last[1] = offset + page - last[0];
      } else segments.push([offset, page]);
    }
    return segments;
  }

  /** Where Python keeps the place of its trampoline. */
  function trampolinePlace(exports: Any): number {
    const heap = new Uint32Array(exports.memory.buffer);
    const offset = heap[exports._PyEM_EMSCRIPTEN_TRAMPOLINE_OFFSET.value / 4];
    return heap[(exports._PyRuntime.value + offset) / 4];
  }

  const lockFile = JSON.stringify({
    info: {
      abi_version: "2026_0",
      arch: "wasm32",
      platform: "emscripten_5_0_3",
      version: "314.0.7",
      python: "3.14.2",
    },
    packages: {},
  });

  /** Boots from an image and gives what runs the program on an input. */
  async function boot(
    message: ToWorker & { type: "boot" },
  ): Promise<
    { run(message: ToWorker & { type: "run" }): void; load(source: Uint8Array<ArrayBuffer>): void }
  > {
    const { module, glue, library, layout, image, memory: pages } = message;
    disguise();
    const create = evaluate(glue, "_createPyodideModule", "http://localhost/pyodide.asm.mjs");
    let exports: Any;
    const home = layout.programPath.slice(0, layout.programPath.lastIndexOf("/"));
    const runtime: Any = await create({
      noInitialRun: true,
      noImageDecoding: true,
      noAudioDecoding: true,
      preRun: [({ FS, API, ENV }: Any) => {
        API.pyVersionTuple = [3, 14, 2];
        API.sitePackages = "/lib/python3.14/site-packages";
        FS.mkdirTree(API.sitePackages);
        FS.mkdirTree("/lib/python3.14/lib-dynload");
        FS.writeFile("/lib/python314.zip", library, { canOwn: true });
        FS.mkdirTree(home);
        FS.chdir(home);
        ENV.HOME = home;
      }],
      print: () => {},
      printErr: () => {},
      thisProgram: "python3",
      arguments: [],
      API: {
        config: {
          jsglobals: {},
          indexURL: "http://localhost/",
          packages: [],
          args: [],
          env: {},
        },
        runtimeEnv: { IN_BROWSER: true, IN_BROWSER_WEB_WORKER: true },
        lockFilePromise: Promise.resolve(JSON.parse(lockFile)),
      },
      locateFile: (name: string) => `http://localhost/${name}`,
      instantiateWasm(imports: Any, receive: (instance: Any, module: WebAssembly.Module) => void) {
        imports.env.Jsv_GetError_import = () => null;
        imports.env.JsvError_Check = () => 0;
        const guarded = guard(imports, module);
        WebAssembly.instantiate(module, guarded).then((instance) => {
          exports = instance.exports;
          receive(instance, module);
        });
        return {};
      },
    });
    const memory: WebAssembly.Memory = exports.memory;
    const own = trampolinePlace(exports);
    const table: WebAssembly.Table = exports.__indirect_function_table;
    if (own !== image.trampoline) {
      const missing = image.trampoline + 1 - table.length;
      if (missing > 0) table.grow(missing);
      table.set(image.trampoline, table.get(own));
    }
    if (memory.buffer.byteLength < image.bytes) {
      throw new Error(`the memory is too small: ${memory.buffer.byteLength} bytes`);
    }
    // The glue asks for a fifth more than it needs.
    const grow = memory.grow.bind(memory);
    memory.grow = (pages: number) =>
      grow(Math.min(pages, Math.floor((memoryLimit - memory.buffer.byteLength) / 65536)));

    const { FS } = runtime;
    const restoreFiles = withStreams(FS);
    strip();
    booting = false;

    const restoreMemory = (isNew: boolean) => {
      const heap = new Uint8Array(memory.buffer);
      // A new memory is zero but for what the start of the glue wrote. Touching the rest would only take pages.
      const top = isNew ? exports.sbrk(0) : heap.length;
      const stackEnd = isNew ? exports.emscripten_stack_get_end() : top;
      const stackBase = isNew ? exports.emscripten_stack_get_base() : top;
      const clear = (begin: number, end: number) => {
        heap.fill(0, begin, Math.max(begin, Math.min(end, stackEnd)));
        heap.fill(0, Math.max(begin, stackBase), Math.max(begin, Math.min(end, top)));
      };
      let at = 0; // in the memory
      let from = 0; // in the image
      for (const [offset, length] of image.segments) {
        clear(at, offset);
        heap.set(pages.subarray(from, from + length), offset);
        at = offset + length;
        from += length;
      }
      clear(at, heap.length);
    };
    restoreMemory(true);

    let source = new Uint8Array(0);
    let used = false; // the memory is as a run left it
    const prepare = () => {
      if (used) restoreMemory(false);
      used = true;
      restoreFiles();
      FS.writeFile(layout.programPath, source);
    };
    const command = encoder.encode(
      `import sys; sys.modules.pop("_handrail").run(${JSON.stringify(layout.programPath)})\0`,
    );
    const place = (image.stack - command.length - 64) & ~15;

    const run = (message: ToWorker & { type: "run" }) => {
      prepare();
      [input, inputAt, asked, ending] = [message.input, 0, false, null];
      memoryLimit = image.bytes + message.memoryBytes;
      stdout.begin(message.outputBytes);
      stderr.begin(message.outputBytes);
      new Uint8Array(memory.buffer).set(command, place);
      exports.__stack_pointer.value = place;
      post({ type: "begun" });
      const begun = now();
      const size = memory.buffer.byteLength;
      let how: End;
      let clean = true;
      try {
        exports.PyRun_SimpleString(place);
        how = new End("exited", 1);
      } catch (error) {
        how = ending ?? fatal(error);
        clean = ending !== null && how.how === "exited" && how.code !== 134;
      }
      const ms = now() - begun;
      const failed = how.how === "exited" && how.code !== 0;
      if (failed && (asked || how.code === layout.outOfMemoryCode)) how = new End("memory", 1);
      const [out, err] = [stdout.taken(), stderr.taken()];
      post({
        type: "ended",
        how: how.how,
        code: how.code & 0xff,
        ms,
        stdout: out,
        stderr: err,
        truncated: stderr.cut(),
        clean: clean && memory.buffer.byteLength === size,
      }, [out.buffer, err.buffer]);
    };
    return {
      run,
      load(bytes) {
        source = bytes;
      },
    };
  }

  /** What WebAssembly or the glue threw: a trap, a stack overflow. */
  function fatal(error: unknown): End {
    stderr.write(encoder.encode(`\nFatal: ${error}\n`));
    return new End("exited", error instanceof RangeError ? 139 : 134);
  }

  /** Standard streams of our own; gives what puts all files back to what they are here. */
  function withStreams(FS: Any): () => void {
    const device = (minor: number, name: string, ops: Any) => {
      const number = FS.makedev(64, minor);
      FS.registerDevice(number, {
        open(stream: Any) {
          stream.seekable = false;
        },
        ...ops,
      });
      try {
        FS.unlink(`/dev/${name}`);
      } catch {
        // It was not there.
      }
      FS.mkdev(`/dev/${name}`, number);
    };
    const writes = (to: typeof stdout) => ({
      write: (_: Any, buffer: Int8Array, offset: number, length: number) =>
        to.write(new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length)),
    });
    device(0, "stdin", {
      read(_: Any, buffer: Int8Array, offset: number, length: number) {
        const part = input.subarray(inputAt, inputAt + length);
        new Uint8Array(buffer.buffer, buffer.byteOffset).set(part, offset);
        inputAt += part.length;
        return part.length;
      },
    });
    device(1, "stdout", writes(stdout));
    device(2, "stderr", writes(stderr));
    for (const name of ["/dev/tty", "/dev/tty1"]) FS.unlink(name);

    const fields = ["name", "parent", "mode", "rdev", "atime", "mtime", "ctime", "link", "mounted"];
    const saved = new Map<Any, Any>();
    const save = (node: Any) => {
      if (saved.has(node)) return;
      const state: Any = { usedBytes: node.usedBytes, name_next: node.name_next };
      for (const field of fields) state[field] = node[field];
      const { contents } = node;
      // Files keep their buffers, whose bytes are put back: new ones would only take pages.
      state.contents = contents instanceof Uint8Array ? contents : contents && { ...contents };
      state.bytes = contents instanceof Uint8Array ? contents.slice() : null;
      saved.set(node, state);
      if (FS.isDir(node.mode) && contents) {
        for (const child of Object.values(contents)) save(child);
      }
      if (node.mounted) save(node.mounted.root);
    };
    for (const first of FS.nameTable) {
      for (let node = first; node; node = node.name_next) save(node);
    }
    save(FS.root);
    const { nextInode, currentPath } = FS;
    const names = [...FS.nameTable];
    return () => {
      FS.nameTable = [...names];
      FS.nextInode = nextInode;
      FS.currentPath = currentPath;
      for (const [node, { bytes, ...state }] of saved) {
        Object.assign(node, state);
        if (bytes !== null) node.contents.set(bytes);
        else if (node.contents) node.contents = { ...node.contents };
      }
      FS.streams = [];
      FS.open("/dev/stdin", 0);
      FS.open("/dev/stdout", 1);
      FS.open("/dev/stderr", 1);
    };
  }

  /** Takes from the realm what reaches beyond it. No program should get there; if one does, it finds less. */
  function strip(): void {
    const names =
      "Deno process Buffer require fetch Request Response WebSocket WebSocketStream EventSource " +
      "XMLHttpRequest Worker SharedWorker BroadcastChannel MessageChannel MessagePort importScripts caches Cache " +
      "CacheStorage indexedDB localStorage sessionStorage navigator close name postMessage reportError " +
      "setTimeout setInterval setImmediate queueMicrotask FinalizationRegistry WeakRef console GPU";
    for (const name of names.split(" ")) {
      Object.defineProperty(scope, name, { value: undefined });
    }
  }

  let interpreter: Awaited<ReturnType<typeof boot>>;
  scope.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
    if (data.type === "run") return interpreter.run(data);
    if (data.type === "program") return interpreter.load(data.source);
    try {
      if (data.type === "make") return await make(data);
      interpreter = await boot(data);
      post({ type: "ready" });
    } catch (error) {
      post({
        type: "failed",
        reason: String((error as Error)?.stack ?? new TextDecoder().decode(stderr.taken())),
      });
    }
  };
}
