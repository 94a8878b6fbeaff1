/**
 * What runs inside bubblewrap: a supervisor in Python that forks a child for each run.
 *
 * It never runs a program's code itself. Each run is cloned into namespaces of its own (user, mount, pid, ipc, uts,
 * cgroup, net) with fresh file systems, so that it sees neither the supervisor nor anything of another run:
 *
 *     bubblewrap ─ supervisor ─┬─ init of the run's namespaces ─ the program ─ its children
 *
 * The supervisor keeps time, memory and output, not the trainer, whose thread may be busy for seconds. When the init is
 * killed or ends, the kernel ends every process of its namespace before it can be reaped: nothing outlives a run. What a
 * program could forge is its own exit code, as it could by exiting.
 *
 * Source and input are read by the run's own init, and output goes through memory that is given back: each run gets a
 * copy of the supervisor's memory, which has nothing of another program.
 */

import { textWithin } from "./limits.ts";
import type { Limits, Verdict } from "./sandbox.ts";

/**
 * What the supervisor is asked for: the length of this as JSON (unsigned, 32 bits, big-endian), this with the lengths
 * `sourceBytes` and `inputBytes` added, the source, the input. Its standard input's end is its own.
 */
export interface Request extends Limits {
  /** Whether this is the first request of a program: what was compiled before is removed. */
  readonly first: boolean;
  /** Whether it may write what it compiles to /build. */
  readonly build: boolean;
  /** Where the source is put. */
  readonly file: string;
  /** The command that runs; null runs the source in the supervisor's Python. */
  readonly arguments: readonly string[] | null;
  /** Bytes of each file and of all. */
  readonly fileBytes: number;
  /** Processes and threads at a time. */
  readonly processes: number;
}

/** What the supervisor answers, framed alike: the verdict as JSON, standard output, standard error. */
export interface Reply {
  /** The verdict. */
  readonly type: "exited" | "timeout" | "memory" | "output_limit";
  /** Exit code, of one that exited. */
  readonly code: number;
  /** Milliseconds that it ran. */
  readonly ms: number;
  /** Milliseconds of CPU time, of one whose time was up. */
  readonly cpuMs: number | null;
  /** Whether standard error was cut. */
  readonly truncated: boolean;
  /** Standard output. */
  readonly stdout: Uint8Array;
  /** Standard error. */
  readonly stderr: Uint8Array;
}

/** A reply as the verdict that it is. */
export function verdictOf(reply: Reply, { outputBytes }: Limits): Verdict {
  switch (reply.type) {
    case "exited": {
      // A compiler's output has a limit of its own.
      const truncated = reply.truncated || reply.stderr.length > outputBytes;
      return {
        type: "exited",
        code: reply.code,
        stdout: textWithin(reply.stdout, outputBytes),
        stderr: textWithin(reply.stderr, outputBytes, truncated),
        truncated,
        ms: reply.ms,
      };
    }
    case "timeout":
      return { type: "timeout", ms: reply.ms, cpuMs: reply.cpuMs };
    default:
      return { type: reply.type };
  }
}

/** What a run may use beside its limits: 64 MiB of files, 128 processes and threads. */
export const always = { fileBytes: 64 * 1024 * 1024, processes: 128 } as const;

/** A run by the supervisor's own Python. */
export const python = { file: "/tmp/main.py", arguments: null } as const;

/** What a compiler may use; compiling is not in a program's time. */
export const compileLimits: Limits = {
  timeoutMs: 30_000,
  memoryBytes: 1024 * 1024 * 1024,
  outputBytes: 64 * 1024,
};

/**
 * The supervisor's text. Its argument is a JSON list of programs, of which it tells which it can start. It reads requests
 * from standard input and writes replies to standard output.
 */
export const guest = String.raw`
import atexit, ctypes, gc, json, mmap, os, platform, resource, select, signal, struct, sys, time
# What programs import most: loaded once here, each run has it by its fork.
import array, bisect, collections, copy, datetime, decimal, fractions, functools, heapq, io, itertools, math, operator
import random, re, string, typing

if sys.version_info < (3, 9):
    sys.exit("Python %s is too old: 3.9 is needed" % platform.python_version())

# Holds the interpreter's lock during the calls: a process that has just been cloned has no other thread to wait for.
libc = ctypes.PyDLL(None, use_errno=True)
CONTROL, REPLY = os.dup(0), os.dup(1)
UID, GID = os.getuid(), os.getgid()


def call(name, *arguments):
    result = getattr(libc, name)(*arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, "%s%r: %s" % (name, arguments[:2], os.strerror(error)))
    return result


def read_exactly(count):
    parts = []
    while count > 0:
        part = os.read(CONTROL, min(count, 1 << 20))
        if not part: os._exit(0)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def write_all(fd, data):
    view = memoryview(data)
    while view: view = view[os.write(fd, view):]


def reply(header, *bodies):
    text = json.dumps(header).encode()
    write_all(REPLY, struct.pack(">I", len(text)) + text)
    for body in bodies: write_all(REPLY, body)


# Numbers of system calls: x86-64, and the table that arm64 and riscv64 share.
SYSTEM_CALLS = {
    # Memory that belongs to no process, and so to nobody's count.
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "semget": (64, 190),
    "msgget": (68, 186),
    # Keys outlive their process.
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # More namespaces and mounts, others' memory, and what programs do not need of the kernel.
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsmount": (432, 432), "mount_setattr": (442, 442), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "open_by_handle_at": (304, 265), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
}
CLONE, CLONE3, SOCKET = (56, 220), (435, 435), (41, 198)
NAMESPACES = 0x10000000 | 0x20000 | 0x20000000 | 0x08000000 | 0x04000000 | 0x02000000 | 0x40000000
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7), "riscv64": (1, 0xC00000F3)}
if platform.machine() not in MACHINES:
    sys.exit("The filter of system calls knows %s: this machine is %s" % (", ".join(MACHINES), platform.machine()))
COLUMN, ARCHITECTURE = MACHINES[platform.machine()]


def system_call_filter():
    """Classic BPF: loads (0x20), jumps on equality (0x15), order (0x35) and bits (0x45), returns (0x06)."""
    allow, refuse = (0x06, 0, 0, 0x7FFF0000), lambda error: (0x06, 0, 0, 0x00050000 | error)
    code = [(0x20, 0, 0, 4), (0x15, 1, 0, ARCHITECTURE), refuse(38), (0x20, 0, 0, 0)]
    if COLUMN == 0: code += [(0x35, 0, 1, 0x40000000), refuse(38)]  # the x32 interface has numbers of its own
    for numbers in SYSTEM_CALLS.values(): code += [(0x15, 0, 1, numbers[COLUMN]), refuse(1)]
    # Its flags lie in memory, which a filter cannot read: libraries then use clone.
    code += [(0x15, 0, 1, CLONE3[COLUMN]), refuse(38)]
    code += [(0x15, 0, 4, CLONE[COLUMN]), (0x20, 0, 0, 16), (0x45, 0, 1, NAMESPACES), refuse(1), allow]
    # Unix, IPv4, IPv6 and netlink stay within the network namespace; others (vsock) do not.
    code += [(0x15, 0, 6, SOCKET[COLUMN]), (0x20, 0, 0, 16)]
    for i, family in enumerate((1, 2, 10, 16)): code += [(0x15, 4 - i, 0, family)]
    code += [refuse(97), allow]
    return b"".join(struct.pack("HBBI", *line) for line in code)


FILTER = system_call_filter()


def of_command(arguments, memory):
    """Limits that not every program takes well."""
    compiled = arguments is not None and arguments[0].startswith("/build/")
    # One request beyond all bounds fails at once. Engines of JavaScript reserve far more than they use.
    if arguments is None or compiled: yield "DATA", 2 * memory + (64 << 20)
    # Compiled programs recurse deeply. Elsewhere each thread would be given as much.
    if compiled: yield "STACK", 64 << 20


def isolate(request):
    """In the new namespaces: their own file systems, limits, no privileges, no more system calls than needed."""
    for name, text in (
        ("setgroups", "deny"), ("uid_map", "%d %d 1" % (UID, UID)), ("gid_map", "%d %d 1" % (GID, GID)),
        ("oom_score_adj", "1000"),
    ):
        with open("/proc/self/" + name, "w") as f: f.write(text)
    no_devices = 2 | 4  # nosuid, nodev
    call("mount", b"tmpfs", b"/tmp", b"tmpfs", no_devices, b"mode=755,nr_inodes=65536,size=%d" % request["fileBytes"])
    call("mount", b"tmpfs", b"/dev/shm", b"tmpfs", no_devices, b"mode=755,nr_inodes=1024,size=1m")
    call("mount", b"proc", b"/proc", b"proc", no_devices | 8, None)
    if not request["build"]: call("mount", None, b"/build", None, 32 | 4096 | 1 | no_devices, None)  # read-only
    call("sethostname", b"sandbox", 7)
    os.chdir("/tmp")
    for name, limit in (
        ("CORE", 0), ("MSGQUEUE", 0), ("NOFILE", 256), ("NPROC", request["processes"]),
        ("FSIZE", request["fileBytes"]), *of_command(request["arguments"], request["memoryBytes"]),
    ):
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (limit, limit))
    call("prctl", 38, 1, 0, 0, 0)  # no new privileges
    call("capset", struct.pack("Ii", 0x20080522, 0), bytes(24))
    lines = ctypes.create_string_buffer(FILTER)
    program = struct.pack("HxxxxxxQ", len(FILTER) // 8, ctypes.addressof(lines))
    call("prctl", 22, 2, program, 0, 0)


def begin(request, ready, out, err):
    """The init of a run. Returns in the program's process only, and only for a program of Python."""
    try:
        source, data = read_exactly(request["sourceBytes"]), read_exactly(request["inputBytes"])
        # A file, so that nobody has to feed it. Made before the filter, which refuses more of them.
        stdin = os.memfd_create("stdin", 0)
        write_all(stdin, data)
        os.lseek(stdin, 0, 0)
        del data
        isolate(request)
        with open(request["file"], "wb") as f: f.write(source)
        for fd, to in ((stdin, 0), (out, 1), (err, 2)): os.dup2(fd, to)
        os.dup2(ready, 3)
        os.closerange(4, 1024)
        os.write(3, b"ready")
        os.close(3)
    except BaseException as error:
        os.write(ready, ("%s: %s" % (type(error).__name__, error)).encode())
        os._exit(1)
    program = os.fork()
    while program != 0:
        pid, status = os.wait()
        if pid == program:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
    os.setsid()
    if request["arguments"] is None: return source
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(request["arguments"][0], request["arguments"])


def of_run():
    """The processes of the run: all that there are but this one."""
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1": yield name


def text_of(name, file):
    try:
        with open("/proc/%s/%s" % (name, file), "rb") as f: return f.read()
    except OSError: return b""  # it has ended meanwhile


def kilobytes(text, keys):
    return sum(int(line.split()[1]) for line in text.splitlines() if line.split(b":")[0] in keys)


def over_memory(init, limit):
    def count(*kinds):
        """In every process the first of these files that it lets us read."""
        total = 0
        for pid in of_run():
            if pid == str(init): continue
            for file, keys in kinds:
                text = text_of(pid, file)
                if text: break
            total += 1024 * kilobytes(text, keys)
        return total

    resident = "status", (b"RssAnon", b"RssShmem")
    # Pages that several processes share are counted in each: what is then too much is counted exactly, which is slow.
    return count(resident) > limit and count(("smaps_rollup", (b"Pss_Anon", b"Pss_Shmem")), resident) > limit


def cpu_seconds():
    ticks = 0
    for pid in of_run():
        fields = text_of(pid, "stat").rpartition(b")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


CHUNK = 1 << 16


class Output:
    """What a run writes to one of its files, up to a limit, in memory that is given back at its end."""

    def __init__(self, fd, limit):
        self.fd, self.limit, self.count = fd, limit, 0
        self.memory = mmap.mmap(-1, limit + CHUNK, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.view = memoryview(self.memory)

    def take(self):
        """Whether there may be more. What is beyond the limit is counted and written over."""
        at = min(self.count, self.limit)
        count = os.readv(self.fd, [self.view[at:at + CHUNK]])
        self.count += count
        return count > 0

    def kept(self): return self.view[:min(self.count, self.limit)]

    def close(self):
        self.view.release()
        self.memory.close()
        os.close(self.fd)


def supervise(init, out, err, request):
    """Follows a run to its end."""
    started = time.monotonic()
    deadline = started + request["timeoutMs"] / 1000
    verdict, cpu, outputs = None, None, {out.fd: out, err.fd: err}
    ended = os.pidfd_open(init)
    poll = select.poll()
    for fd in (*outputs, ended): poll.register(fd, select.POLLIN)
    poll.register(CONTROL, select.POLLHUP)
    look, running = started + 0.005, True
    while running and verdict is None:
        wait = min(deadline, look) - time.monotonic()
        for fd, _ in poll.poll(max(0, wait * 1000)):
            if fd == ended: running = False
            elif fd == CONTROL: os._exit(1)  # the trainer is gone, and with this process the run
            elif not outputs[fd].take(): poll.unregister(fd)
        now = time.monotonic()
        if out.count > out.limit: verdict = "output_limit"
        elif running and now >= deadline:
            verdict, cpu = "timeout", cpu_seconds()
        elif running and now >= look:
            if over_memory(init, request["memoryBytes"]): verdict = "memory"
            look = time.monotonic() + max(0.01, 10 * (time.monotonic() - now))
    if verdict is not None: os.kill(init, signal.SIGKILL)
    status = os.waitpid(init, 0)[1]
    ms = (time.monotonic() - started) * 1000
    os.close(ended)
    if verdict is None:
        # No process is left that could write more.
        for output in (out, err):
            while out.count <= out.limit and output.take(): pass
        if out.count > out.limit: verdict = "output_limit"
    if verdict is not None:
        return reply({"type": verdict, "ms": ms, "cpuMs": cpu and cpu * 1000, "out": 0, "err": 0})
    code = os.waitstatus_to_exitcode(status)
    stdout, stderr = out.kept(), err.kept()
    reply({
        "type": "exited", "code": code if code >= 0 else 128 - code, "ms": ms, "truncated": err.count > err.limit,
        "out": len(stdout), "err": len(stderr),
    }, stdout, stderr)
    stdout.release()
    stderr.release()


def serve():
    """Answers requests. Returns in a forked child only: the text of the program that it is to run."""
    while True:
        request = json.loads(read_exactly(struct.unpack(">I", read_exactly(4))[0]))
        if request["first"]:
            for name in os.listdir("/build"): os.unlink("/build/" + name)
        pipes = [os.pipe() for _ in range(3)]
        (ready, to_ready), (out, to_out), (err, to_err) = pipes
        init = call("syscall", CLONE[COLUMN], NAMESPACES | signal.SIGCHLD, 0, 0, 0, 0)
        if init == 0: return begin(request, to_ready, to_out, to_err)
        for fd in (to_ready, to_out, to_err): os.close(fd)
        said = os.read(ready, 1000)
        if said != b"ready":
            reply({"type": "failed", "message": said.decode(errors="replace"), "out": 0, "err": 0})
            os._exit(1)
        os.close(ready)
        outputs = [Output(fd, request["outputBytes"]) for fd in (out, err)]
        supervise(init, *outputs, request)
        for output in outputs: output.close()


def run_program(source):
    """
    The program's process: what an interpreter does from its start to its end, but for tearing down all that it has
    loaded, which would be most of a short run. What ends it is bound here, where the program cannot replace it.
    """
    leave, at_exit, collect, modules = os._exit, atexit._run_exitfuncs, gc.collect, sys.modules
    code = 0
    main = type(sys)("__main__")
    names = main.__dict__
    names.update(__file__="/tmp/main.py", __builtins__=__builtins__)
    modules["__main__"] = main
    sys.argv = ["/tmp/main.py"]
    sys.path.insert(0, "/tmp")
    try:
        exec(compile(source, "/tmp/main.py", "exec", dont_inherit=True), names)
    except SystemExit as error:
        code = error.code
        if code is None: code = 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
        error = None
    except BaseException as error:
        code = 130 if isinstance(error, KeyboardInterrupt) else 1
        trace = error.__traceback__ and error.__traceback__.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        error = trace = None


    def flush():
        for file in (sys.stdout, sys.stderr):
            if file is not None and not file.closed: file.flush()

    try:
        if "threading" in modules: modules["threading"]._shutdown()
        at_exit()
        flush()
        # Files that were never closed are written when nothing refers to them any more.
        for hidden in (True, False):
            for name in list(names):
                if name != "__builtins__" and (name[:1] == "_" and name[:2] != "__") == hidden: names[name] = None
        collect()
    except BaseException:
        pass
    try: flush()
    except BaseException: code = 120  # what Python says of output that it could not write
    leave(code & 255)


reply({"type": "ready", "found": [p for p in json.loads(sys.argv[1]) if os.access(p, os.X_OK)], "out": 0, "err": 0})
gc.collect()
gc.freeze()
run_program(serve())
`;
