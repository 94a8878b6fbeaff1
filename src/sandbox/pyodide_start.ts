/** What is run once in the interpreter, before its memory becomes the image that all programs start from. */

/** Where a program lies in the interpreter's own file system. */
export const programPath = "/home/pyodide/main.py";

/** The exit code by which {@linkcode start} says that the program died of a MemoryError; no program has it. */
export const outOfMemoryCode = 256;

/**
 * Makes a plain Python of Pyodide's, whose bridge to JavaScript is cut, and leaves `_handrail.run`, which runs the
 * program and exits.
 */
export const start = `
import sys

def prepare():
    import asyncio, asyncio.base_events, asyncio.events, atexit, io, os, random, select, time, types

    # What a program may have imported long since.
    import array, bisect, builtins, cmath, collections, copy, dataclasses, datetime, decimal, enum, fractions, functools
    import heapq, itertools, json, linecache, math, operator, queue, re, statistics, string, struct, textwrap
    import threading, traceback, typing

    # JavaScript is out of reach: what would lead to it is not there to be imported.
    keep = {"BuiltinImporter", "FrozenImporter", "PathFinder"}
    sys.meta_path[:] = [f for f in sys.meta_path if getattr(f, "__name__", type(f).__name__) in keep]
    sys.path_importer_cache.clear()
    bridge = {"js", "pyodide_js", "pyodide", "_pyodide", "_pyodide_core", "webbrowser"}
    for name in list(sys.modules):
        if name.partition(".")[0] in bridge:
            del sys.modules[name]
    sys.modules.update(_ctypes=None, _pyodide_core=None)
    sys.path[:] = ["/home/pyodide"] + [p for p in sys.path if p]
    sys.argv[:] = ["main.py"]
    sys.excepthook = sys.__excepthook__
    sys.unraisablehook = sys.__unraisablehook__
    os.environ.clear()
    os.environ.update(HOME="/home/pyodide", PATH="/usr/bin", LANG="C.UTF-8", PYTHONHASHSEED="0")

    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        sys.__dict__.pop(name, None)
    asyncio.run = asyncio.runners.run

    poll = select.poll()

    def sleep(seconds, /):
        """sleep(seconds)

        Delay execution for a given number of seconds."""
        if hasattr(seconds, "__index__"):
            seconds = seconds.__index__()
        elif not isinstance(seconds, float):
            raise TypeError(f"'{type(seconds).__name__}' object cannot be interpreted as an integer")
        if seconds != seconds:
            raise ValueError("Invalid value NaN (not a number)")
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            poll.poll(min(left, 1e5) * 1000)

    time.sleep = sleep

    class Selector:
        """Nothing arrives from outside, so there is only the time to wait for."""

        def select(self, timeout=None):
            sleep(1e5 if timeout is None else timeout) if timeout != 0 else None
            return []

    class EventLoop(asyncio.base_events.BaseEventLoop):
        def __init__(self):
            super().__init__()
            self._selector = Selector()

        def _process_events(self, events):
            pass

        def _write_to_self(self):
            pass

    class EventLoopPolicy(asyncio.events._BaseDefaultEventLoopPolicy):
        _loop_factory = EventLoop

    asyncio.events._set_event_loop_policy(EventLoopPolicy())
    asyncio.events._set_running_loop(None)

    def open_streams():
        def stream(fd, raw, errors, **options):
            return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, **options)
        sys.stdin = sys.__stdin__ = stream(
            0, io.BufferedReader(io.FileIO(0, "r", closefd=False), 65536), "strict")
        sys.stdout = sys.__stdout__ = stream(
            1, io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "strict")
        sys.stderr = sys.__stderr__ = stream(
            2, io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "backslashreplace", line_buffering=True)
        for file, name, mode in ((sys.stdin, "<stdin>", "r"), (sys.stdout, "<stdout>", "w"), (sys.stderr, "<stderr>", "w")):
            file.mode = mode
            file.buffer.raw.name = name

    def execute(path):
        main = types.ModuleType("__main__")
        main.__dict__.update(__builtins__=__builtins__, __file__=path, __cached__=None, __loader__=None)
        sys.modules["__main__"] = main
        random.seed()
        builtins.__dict__.pop("___EvalCodeResultException", None)
        try:
            with io.open_code(path) as file:
                source = file.read()
            exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)
        except SystemExit as error:
            return exit_code(error.code)
        except BaseException as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            sys.excepthook(type(error), error, error.__traceback__)
            return ${outOfMemoryCode} if isinstance(error, MemoryError) else 1
        return 0

    def exit_code(code):
        if code is None:
            return 0
        if isinstance(code, int):
            return code & 0xff
        print(code, file=sys.stderr)
        return 1

    def finish(code):
        for end in (threading._shutdown, atexit._run_exitfuncs):
            try:
                end()
            except BaseException:
                pass
        for file in (sys.stdout, sys.stderr):
            try:
                if file is not None and not file.closed:
                    file.flush()
            except MemoryError:
                return ${outOfMemoryCode}
            except BaseException:
                code = code or 120
        return code

    exit_now = os._exit

    def run(path):
        open_streams()
        code = 1
        try:
            code = execute(path)
        finally:
            exit_now(finish(code))

    os._exit = lambda status: exit_now(status & 0xff)

    module = types.ModuleType("_handrail")
    module.run = run
    sys.modules["_handrail"] = module

prepare()
del prepare
import gc
gc.collect()
gc.freeze()
`;
