/** The program that runs a solution in Python and carries out what is asked of it. */

import { pythonValues } from "./python_values.ts";

/** A value as `values.ts` tells it; also `{ r }`, what operation `r` gave, `{ k }`, an object, `{ n }`, a name. */
export type Told = unknown;

/** Something to ask of a solution: an operation on its functions and objects. */
export interface Operation {
  /** Which: `call`, `get` and `set` of an attribute, or one that its object gets. */
  readonly op: string;
  /** What it is done with; `{ m }` is a method of the solution's class `Solution`, or a function. */
  readonly of: Told;
  /** Values in order. */
  readonly args?: readonly Told[];
  /** Values by name. */
  readonly kwargs?: Readonly<Record<string, Told>>;
  /** The attribute. */
  readonly name?: string;
}

/** What an operation came to. */
export interface Outcome {
  /** The value. */
  readonly v?: Told;
  /** Or the names of the exception's class and its bases. */
  readonly e?: readonly string[];
  /** And its message. */
  readonly m?: string;
  /** Positions of the arguments that the call changed, and what they became. */
  readonly a?: readonly (readonly [number, Told])[];
}

/** What LeetCode and its kin import before a solution; a module only where the solution names it. */
function prelude(solution: string): string {
  const open = ["typing", "collections", "functools", "itertools", "heapq", "bisect", "math"];
  const named = ["copy", "datetime", "json", "operator", "random", "re", "statistics", "string"];
  const modules = [...open, ...named, "sys", "time"].filter((module) =>
    new RegExp(`\\b${module}\\b`).test(solution)
  );
  return [
    ...open.map((module) => `from ${module} import *`),
    "from builtins import *", // pow and the like stay what they are
    ...modules.map((module) => `import ${module}`),
  ].join("\n");
}

const runner = String.raw`
import os as _os, sys as _sys, types as _types

class Nothing:
    pass

def carry_out():
    asked = _json.loads(_sys.stdin.buffer.readline())
    mark = asked["mark"]
    dumps, write, code_of = _json.dumps, _os.write, compile
    def send(message):
        data = ("\n" + mark + dumps(message) + "\n").encode()
        while data:
            data = data[write(1, data):]
    # What the solution prints or reads is nobody's.
    sink = open(_os.devnull, "w", encoding="utf-8", errors="replace")
    _sys.stdout = _sys.__stdout__ = sink
    _sys.stdin = _sys.__stdin__ = open(_os.devnull, encoding="utf-8")
    _sys.argv = [""]

    module = _types.ModuleType("solution")
    _sys.modules["solution"] = module
    space = module.__dict__
    try:
        try:
            exec(code_of(SETUP, "setup.py", "exec", dont_inherit=True), space)
        except NameError:
            pass  # it uses what the solution defines: whoever judges carries it out by operations
        exec(code_of(SOURCE, "solution.py", "exec", dont_inherit=True), space)
        if "random" in _sys.modules:  # what is run twice gives the same twice
            _sys.modules["random"].seed(0)
    except BaseException as error:
        send({"broken": type(error).__name__})
        return

    objects, numbers, results = [], {}, []
    def number_of(value):
        """The number by which an object is asked for; it is kept, so that its id stays its own."""
        if id(value) not in numbers:
            numbers[id(value)] = len(objects)
            objects.append(value)
        return numbers[id(value)]
    def keep(value):
        """The JSON of what is no data: a number for the object, and what it gives if it is an iterator."""
        if isinstance(value, (_abc.Iterator, _abc.MappingView, range)):
            listed = list(_itertools.islice(iter(value), _ITEMS + 1))
            if len(listed) <= _ITEMS:
                return {"g": [tell(item) for item in listed], "k": number_of(value)}
        elif isinstance(value, (_numbers.Integral, _numbers.Real)):
            return None
        return {"o": type(value).__name__, "k": number_of(value)}
    def tell(value):
        try:
            return encode(value, keep)
        except Exception:  # cyclic, too large, or its own code failed
            return {"o": type(value).__name__, "k": number_of(value)}
    def special(told):
        if "j" in told:
            return [told["j"]]
        if "r" in told:
            value = results[told["r"]]
            if value is Nothing:
                raise RuntimeError("what it needs has failed")
            return [value]
        if "k" in told:
            return [objects[told["k"]]]
        if "n" in told:
            if told["n"] not in space:
                raise NameError("name %r is not defined" % told["n"])
            return [space[told["n"]]]
        if "m" in told:
            name, solution = told["m"], space.get("Solution")
            if isinstance(solution, type) and hasattr(solution, name):
                return [getattr(solution(), name)]
            if name not in space:
                raise NameError("name %r is not defined" % name)
            return [space[name]]
    def value_of(told):
        return decode(told, special)

    def do(operation):
        kind, target = operation["op"], value_of(operation["of"])
        args = [value_of(arg) for arg in operation.get("args", [])]
        if kind == "call":
            kwargs = {key: value_of(arg) for key, arg in operation.get("kwargs", {}).items()}
            before = [tell(arg) if isinstance(arg, CHANGING) else None for arg in args]
            value = target(*args, **kwargs)
            changed = []
            for i, arg in enumerate(args):
                if isinstance(arg, CHANGING):
                    after = tell(arg)
                    if after != before[i]:
                        changed.append([i, after])
            return value, changed
        if kind == "get":
            return getattr(target, operation["name"]), []
        if kind == "set":
            return setattr(target, operation["name"], args[0]), []
        if kind == "len":
            return len(target), []
        if kind == "str":
            return str(target), []
        if kind == "repr":
            return repr(target), []
        if kind == "bool":
            return bool(target), []
        if kind == "iter":
            return list(_itertools.islice(iter(target), 100 * _ITEMS)), []
        if kind == "contains":
            return args[0] in target, []
        if kind == "item":
            return target[args[0]], []
        if kind == "set item":
            target[args[0]] = args[1]
            return None, []
        raise ValueError("an unknown operation")

    CHANGING = (list, dict, set, bytearray)
    for operation in asked["operations"]:
        try:
            value, changed = do(operation)
            outcome = {"v": tell(value)}
            if changed:
                outcome["a"] = changed
        except BaseException as error:
            value = Nothing
            try:
                message = str(error)[:1000]
            except BaseException:
                message = ""
            outcome = {"e": [base.__name__ for base in type(error).__mro__[:-1]], "m": message}
        results.append(value)
        send(outcome)
    send("end")

carry_out()
_sys.stderr.flush()
if _sys.platform != "emscripten":
    _os._exit(0)  # threads that the solution left do not keep it
`;

/** A text as a literal of Python. */
function literal(text: string): string {
  return `"${
    text.replace(
      // deno-lint-ignore no-control-regex
      /[\u0000-\u001f"\\\u007f-\uffff]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    )
  }".encode("utf-16", "surrogatepass").decode("utf-16", "replace")`;
}

/** The program that runs `setup` and the solution, then does what its standard input asks. */
export function pythonProgram(solution: string, setup: string | "leetcode"): string {
  const first = setup === "leetcode" ? prelude(solution) : setup;
  return `${pythonValues}\nSETUP = ${literal(first)}\nSOURCE = ${literal(solution)}\n${runner}`;
}
