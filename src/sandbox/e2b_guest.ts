/**
 * What runs inside an E2B guest: a launcher in Python, which is root there and never runs a program's code.
 *
 * It does what bubblewrap does for the sandbox `process`: an empty system with the guest's interpreters, read-only, in
 * namespaces of its own, and there, as a user that nobody is, the same supervisor. Only Python needs to be installed.
 *
 *     envd ─ timeout ─ launcher (root) ─ supervisor (nobody) ─┬─ init of a run ─ the program ─ its children
 *
 * The launcher takes its requests from files, hands them to the supervisor one after the other and prints each reply as
 * a line that begins with the job's id. No program can write there: its output ends at the supervisor, as base64 here.
 *
 * @module
 */

/** What the launcher is told, in `job.json` beside it. Names are its own too. */
export interface Job {
  /** Unguessable; each line of a reply begins with it. */
  readonly id: string;
  /** Programs to look for by name; `ready` says where they are. */
  readonly tools: readonly string[];
  /** Programs by path that are shown to the supervisor. */
  readonly seen: readonly string[];
  /** Bytes that may be written where compilers put what they make. */
  readonly fileBytes: number;
  /** What the supervisor is asked, in order. A request to build that fails is the last that is answered. */
  readonly requests: readonly object[];
  /** Names of the files with the source and with each request's input, beside the job. */
  readonly source: string;
  /** One for each request. */
  readonly inputs: readonly string[];
}

/** The launcher's text. Its argument: the job's folder, in which the supervisor's text is `supervisor.py`. */
export const launcher = String.raw`
import base64, ctypes, json, os, signal, struct, sys

if sys.version_info < (3, 9):
    sys.exit("Python %d.%d is too old: 3.9 is needed" % sys.version_info[:2])
libc = ctypes.CDLL(None, use_errno=True)
READ_ONLY, NO_SETUID, NO_DEVICES, NO_PROGRAMS, REMOUNT, BIND, WHOLE_TREE, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
# Mounts, host name, messages, network, control groups.
PROCESSES, NAMESPACES = 0x20000000, 0x20000 | 0x04000000 | 0x08000000 | 0x40000000 | 0x02000000
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}


def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        error = ctypes.get_errno()
        raise OSError(error, "%s: %s" % (name, os.strerror(error)))


def content(folder, name):
    with open(folder + "/" + name, "rb") as f: return f.read()


def mount(source, target, kind=None, flags=0, options=None):
    text = lambda value: None if value is None else value.encode()
    call("mount", text(source), text(target), text(kind), ctypes.c_ulong(flags), text(options))


def show(path, root):
    """Shows a file or a folder of the guest, read-only, under the same name."""
    to = root + path
    if os.path.islink(path):
        os.makedirs(os.path.dirname(to), exist_ok=True)
        return os.symlink(os.readlink(path), to)
    if not os.path.exists(path) or os.path.exists(to): return
    if os.path.isdir(path): os.makedirs(to)
    else:
        os.makedirs(os.path.dirname(to), exist_ok=True)
        open(to, "w").close()
    mount(path, to, None, BIND | WHOLE_TREE)
    attributes = struct.pack("QQQQ", READ_ONLY | NO_SETUID | (0 if path.startswith("/dev/") else NO_DEVICES), 0, 0, 0)
    call("syscall", 442, -100, to.encode(), 0x8000, attributes, len(attributes))  # mount_setattr


def shown(path, programs):
    """Paths of the guest that interpreters need: the system's programs, and installations elsewhere."""
    system = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix"]
    prefixes = [sys.prefix, sys.base_prefix]
    prefixes += [os.path.dirname(os.path.dirname(os.path.realpath(program))) for program in programs]
    others = [prefix for prefix in prefixes if prefix != "/" and not prefix.startswith(tuple(s + "/" for s in system))]
    others = [prefix for prefix in others if prefix not in system]
    return system + others + ["/etc/ld.so.cache", "/etc/alternatives"]


def empty_system(root, programs, file_bytes, uid):
    mount(None, "/", None, WHOLE_TREE | PRIVATE)
    mount("tmpfs", root, "tmpfs", NO_SETUID, "mode=755")
    for path in shown(root, programs): show(path, root)
    for name in ("proc", "build", "tmp", "dev", "old"): os.mkdir("%s/%s" % (root, name))
    mount("proc", root + "/proc", "proc", NO_SETUID | NO_DEVICES | NO_PROGRAMS)
    options = "mode=755,uid=%d,gid=%d,size=%d" % (uid, uid, file_bytes)
    mount("tmpfs", root + "/build", "tmpfs", NO_SETUID | NO_DEVICES, options)
    mount("tmpfs", root + "/dev", "tmpfs", NO_SETUID, "mode=755")
    for name in ("null", "zero", "full", "random", "urandom", "tty"): show("/dev/" + name, root)
    for name, to in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink("/proc/self/fd" + to, "%s/dev/%s" % (root, name))
    os.mkdir(root + "/dev/shm")
    mount(None, root + "/dev", None, REMOUNT | BIND | READ_ONLY | NO_SETUID)
    call("syscall", PIVOT_ROOT[os.uname().machine], root.encode(), (root + "/old").encode())
    os.chdir("/")
    call("umount2", b"/old", 2)  # detached: nothing of the guest's own system is left in reach
    os.rmdir("/old")
    mount(None, "/", None, REMOUNT | BIND | READ_ONLY | NO_SETUID)


def supervise(folder, job, programs, control, replies):
    """The first process of the namespaces: becomes the supervisor."""
    # A user of its own: what runs beside it has the limit on processes for itself.
    uid = 1000000000 + int.from_bytes(os.urandom(4), "big") % 1000000000
    supervisor = content(folder, "supervisor.py").decode()
    call("unshare", NAMESPACES)
    empty_system(folder + "/root", programs, job["fileBytes"], uid)
    os.dup2(control, 0)
    os.dup2(replies, 1)
    os.closerange(3, 256)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    call("prctl", 38, 1, 0, 0, 0)  # no new privileges
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "NO_COLOR": "1",
        "DENO_DIR": "/tmp/.deno", "DENO_NO_UPDATE_CHECK": "1",
    }
    arguments = [sys.executable, "-I", "-X", "utf8", "-c", supervisor, json.dumps(programs)]
    os.execve(sys.executable, arguments, environment)


def say(job, header, stdout=b"", stderr=b""):
    text = lambda data: base64.b64encode(data).decode()
    line = json.dumps({**header, "stdout": text(stdout), "stderr": text(stderr)})
    # A login shell may have printed something before.
    sys.stdout.write("\n%s %s\n" % (job["id"], line))
    sys.stdout.flush()


def read_exactly(replies, count):
    data = replies.read(count)
    if len(data) < count: raise EOFError
    return data


def answer(job, replies, more={}):
    header = json.loads(read_exactly(replies, struct.unpack(">I", read_exactly(replies, 4))[0]))
    stdout, stderr = read_exactly(replies, header.pop("out")), read_exactly(replies, header.pop("err"))
    say(job, {**header, **more}, stdout, stderr)
    return header


def find(names):
    import shutil  # takes long to load, and is needed once a template
    return {name: path for name, path in ((name, shutil.which(name)) for name in names) if path}


def version(path):
    import subprocess
    try: return subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError): return None


def serve(folder):
    call("prctl", 1, signal.SIGKILL, 0, 0, 0)  # ends with the shell that started it
    os.chmod(folder, 0o700)
    job = json.loads(content(folder, "job.json"))
    tools = find(job["tools"]) if job["tools"] else {}
    programs = [*job["seen"], *tools.values()]
    node = version(tools["node"]) if "node" in tools else None
    os.mkdir(folder + "/root")
    control, to_control = os.pipe()
    from_replies, replies = os.pipe()
    call("unshare", PROCESSES)  # those of the next fork
    if os.fork() == 0:
        try:
            os.close(to_control)  # its other end is how the supervisor notices our end
            supervise(folder, job, programs, control, replies)
        except BaseException as error:
            message = "%s: %s" % (type(error).__name__, error)
            text = json.dumps({"type": "failed", "message": message, "out": 0, "err": 0}).encode()
            os.write(replies, struct.pack(">I", len(text)) + text)
        os._exit(1)
    os.close(control)
    os.close(replies)
    with os.fdopen(to_control, "wb") as requests, os.fdopen(from_replies, "rb") as frames:
        # What is found once holds for every guest of the template.
        if answer(job, frames, {"tools": tools, "node": node})["type"] != "ready": return
        source = content(folder, job["source"])
        for request, name in zip(job["requests"], job["inputs"]):
            data = content(folder, name)
            header = {**request, "sourceBytes": len(source), "inputBytes": len(data)}
            text = json.dumps(header).encode()
            requests.write(struct.pack(">I", len(text)) + text + source + data)
            requests.flush()
            del data
            reply = answer(job, frames)
            if reply["type"] == "failed" or request["build"] and reply.get("code") != 0: return


def remove(folder):
    for name in os.listdir(folder): (os.rmdir if name == "root" else os.unlink)(folder + "/" + name)
    os.rmdir(folder)


folder = sys.argv[1]
try: serve(folder)
except EOFError: sys.exit("the supervisor ended")
except OSError as error: sys.exit(str(error))
finally: remove(folder)
`;
