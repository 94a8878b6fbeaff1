"""Runs Python programs one after the other, each in a fork: reads {source, input, seconds} as lines of JSON on standard
input, prints {code, stdout, stderr} for each, with null for the code of one that was killed on time."""
import ast, io, json, numbers, os, random, signal, sys, tempfile, time, traceback


def run(source):
    code = 0
    try:
        exec(compile(source, "main.py", "exec"), {"__name__": "__main__"})
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    os._exit(code)


def wait(child, seconds):
    end = time.monotonic() + seconds
    pause = 0.0005
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(0.01, pause * 1.5)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main():
    for line in sys.stdin.buffer:
        request = json.loads(line)
        files = [tempfile.TemporaryFile() for _ in range(3)]
        files[0].write(request["input"].encode("utf-8", "surrogatepass"))
        files[0].seek(0)
        child = os.fork()
        if child == 0:
            for number, file in enumerate(files):
                os.dup2(file.fileno(), number)
            sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
            run(request["source"])
        code = wait(child, request["seconds"])
        told = []
        for file in files[1:]:
            file.seek(0)
            told.append(file.read().decode("utf-8", "replace"))
        sys.stdout.write(json.dumps({"code": code, "stdout": told[0], "stderr": told[1]}) + "\n")
        sys.stdout.flush()


main()
