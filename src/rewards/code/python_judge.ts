/** The program that runs test code in Python without the solution that it tests. */

import { pythonValues } from "./python_values.ts";
import type { Operation, Outcome, Told } from "./python_program.ts";

/** What the judge is given, as JSON. */
export interface Hearing {
  /** Code before the solution. */
  readonly setup: string;
  /** The function under test, where it is named. */
  readonly entryPoint: string | null;
  /** The pieces of test code to judge, each with what is known of the solution. */
  readonly pieces: readonly {
    readonly code: string;
    readonly known: readonly (readonly [Operation, Outcome])[];
  }[];
}

/** How a piece of test code ended. */
export interface Finding {
  /**
   * `pass` or `fail` where everything that it asked was known; `pending` where it asked for more; `unsound` where it
   * fails whatever the solution does, or asks what cannot be asked.
   */
  readonly status: "pass" | "fail" | "pending" | "unsound";
  /** Why it failed or is unsound. */
  readonly reason: string | null;
  /** What it asked of the solution, in order. */
  readonly operations: readonly Operation[];
  /**
   * Of a pending piece that does nothing but compare what calls return: what each operation must give. It passes if all
   * do and none raises. Otherwise null.
   */
  readonly checks: readonly Check[] | null;
}

/** What a call must give: a value that is equal, or is the same constant, or is true or false in a condition. */
export interface Check {
  /** The operation's index. */
  readonly r: number;
  /** How it is compared. */
  readonly is: "equal" | "same" | "true" | "false";
  /** With what. */
  readonly value: Told;
}

/**
 * Reads a {@linkcode Hearing} on its standard input, prints a list of {@linkcode Finding}s behind the mark.
 *
 * A name that nothing defines is the solution's. Using it records an operation: what is known of it is given back as
 * recorded, with exceptions and changed arguments; what is unknown becomes a placeholder, which may be handed on to
 * the solution and ends the piece, or the assertion that it stands in, when the test code looks into it. A piece that
 * met no placeholder has its verdict; any other is run again when more is known.
 */
export const pythonJudge = String.raw`
import ast, builtins, os, random, sys
${pythonValues}

class Pending(BaseException):
    """Test code looked into what is not known yet."""
class Died(BaseException):
    """The solution ended its process, or raised what ends one."""
class Unasked(BaseException):
    """Test code asks of the solution what cannot be asked."""

MOST_OPERATIONS = 5_000
JUDGE = "__judge__"

class Trial:
    """One run of one piece of test code."""
    def __init__(self, known):
        self.known, self.outcomes = known, []
        self.operations, self.checks = [], []
        self.exploring = self.plain_only = False
        self.looked = False  # into a placeholder, or failed while there was one
        self.died = self.unasked = None

    def ask(self, live=(), **operation):
        operation = {key: value for key, value in operation.items() if value not in ([], {})}
        index = len(self.operations)
        if index >= MOST_OPERATIONS:
            self.look()
        if not self.exploring and index < len(self.known):
            before, outcome = self.known[index]
            if self.settled(before) == self.settled(operation):
                self.operations.append(before)
                self.outcomes.append(outcome)
                return self.replay(outcome, live)
        self.exploring = True
        self.operations.append(operation)
        return Hole(self, index, operation)

    def replay(self, outcome, live):
        for position, told in outcome.get("a", []):
            become(live[position], self.value(told))
        if "v" in outcome:
            return self.value(outcome["v"])
        for name in outcome["e"]:
            kind = getattr(builtins, name, None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                try:
                    error = kind(outcome["m"])
                except TypeError:  # UnicodeDecodeError and its like want more
                    continue
                raise error
        self.died = outcome["e"][0]
        raise Died(self.died)

    def settled(self, told):
        """With what is known in the place of references, so that operations can be compared."""
        if isinstance(told, list):
            return [self.settled(item) for item in told]
        if not isinstance(told, dict):
            return told
        if "r" in told and "v" in self.outcomes[told["r"]]:
            return self.settled(self.outcomes[told["r"]]["v"])
        if "k" in told:
            return {"k": told["k"]}
        return {key: self.settled(value) for key, value in told.items()}

    def value(self, told):
        def special(told):
            if "g" in told:
                return [Given(told["k"], [self.value(item) for item in told["g"]])]
            if "o" in told:
                return [Thing(self, told["k"])]
        return decode(told, special)

    def tell(self, value):
        def other(value):
            kind, own = type(value), object.__getattribute__
            if kind is Hole:
                return {"r": own(value, "_index")}
            if kind is Thing:
                return {"k": own(value, "_number")}
            if kind is Given:
                return {"k": value.number}
            if kind is Name:
                return {"n": own(value, "_name")}
        try:
            return encode(value, other, FOREIGN)
        except Exception:
            self.unasked = "they hand it a value of type '%s'" % type(value).__name__
            raise Unasked(self.unasked)

    def look(self, *_):
        self.looked = True
        raise Pending()

    def call(self, of, args, kwargs):
        return self.ask(
            live=args, op="call", of=of, args=[self.tell(arg) for arg in args],
            kwargs={key: self.tell(arg) for key, arg in kwargs.items()},
        )

    # What assertions become.
    def check(self, way, left, right=None):
        """The truth of a comparison; of a call's placeholder it is noted and taken for true."""
        if type(left) is Hole:
            try:
                told = encode(right, lambda value: None)
            except (Untold, Pending):
                self.look()
            self.checks.append({"r": object.__getattribute__(left, "_index"), "is": way, "value": told})
            return True
        if way == "equal":
            return left == right
        if way == "same":
            return left is right
        return not left if way == "false" else left

    def failed(self):
        """After an exception in an assertion: whether it is to be raised."""
        if self.exploring:
            self.looked = True
        return not self.exploring

def become(old, new):
    if isinstance(old, (list, bytearray)):
        old[:] = new
    elif isinstance(old, (dict, set)):
        old.clear()
        old.update(new)

CAPITAL = lambda operation: operation["op"] == "get" or operation["of"].get("n", "")[:1].isupper()

class Hole:
    """What an operation will give."""
    def __init__(self, trial, index, operation):
        object.__setattr__(self, "_trial", trial)
        object.__setattr__(self, "_index", index)
        # Data has its own attributes; an object of the solution's classes is asked for them.
        object.__setattr__(self, "_object", CAPITAL(operation))
    def __getattribute__(self, name):
        trial, own = object.__getattribute__(self, "_trial"), object.__getattribute__
        if not own(self, "_object") or name.startswith("__"):
            trial.look()
        return trial.ask(op="get", of={"r": own(self, "_index")}, name=name)
    def __setattr__(self, name, value):
        own = object.__getattribute__
        trial = own(self, "_trial")
        trial.ask(op="set", of={"r": own(self, "_index")}, name=name, args=[trial.tell(value)])
    def __call__(self, *args, **kwargs):
        own = object.__getattribute__
        return own(self, "_trial").call({"r": own(self, "_index")}, args, kwargs)

def looks(self, *_):
    object.__getattribute__(self, "_trial").look()
for name in (
    "eq ne lt le gt ge bool len iter next reversed contains getitem setitem delitem str repr format hash "
    "int float complex index bytes abs neg pos invert round trunc floor ceil enter exit await aiter anext "
    "instancecheck subclasscheck "
    + " ".join(f"{side}{op}" for op in (
        "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or").split()
        for side in ("", "r", "i"))
).split():
    setattr(Hole, f"__{name}__", looks)

class Thing:
    """An object that only the solution has. It equals nothing; its other uses are operations."""
    def __init__(self, trial, number):
        object.__setattr__(self, "_trial", trial)
        object.__setattr__(self, "_number", number)
    def __getattribute__(self, name):
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        return asked(self, "get", name=name)
    def __setattr__(self, name, value):
        trial = object.__getattribute__(self, "_trial")
        asked(self, "set", name=name, args=[trial.tell(value)])
    def __call__(self, *args, **kwargs):
        own = object.__getattribute__
        return own(self, "_trial").call({"k": own(self, "_number")}, args, kwargs)
    def __eq__(self, other):
        return False
    __hash__ = object.__hash__
    def __str__(self):
        return answered(self, "str")
    def __repr__(self):
        return answered(self, "repr")
    def __len__(self):
        return answered(self, "len")
    def __bool__(self):
        return answered(self, "bool")
    def __iter__(self):
        return iter(answered(self, "iter"))
    def __contains__(self, item):
        return answered(self, "contains", item)
    def __getitem__(self, key):
        return asked(self, "item", args=[object.__getattribute__(self, "_trial").tell(key)])
    def __setitem__(self, key, value):
        tell = object.__getattribute__(self, "_trial").tell
        asked(self, "set item", args=[tell(key), tell(value)])

def asked(thing, op, **more):
    own = object.__getattribute__
    return own(thing, "_trial").ask(op=op, of={"k": own(thing, "_number")}, **more)
def answered(thing, op, *args):
    """As asked, where Python itself needs the value at once."""
    trial = object.__getattribute__(thing, "_trial")
    value = asked(thing, op, args=[trial.tell(arg) for arg in args])
    if type(value) is Hole:
        trial.look()
    return value

class Given:
    """What an iterator of the solution gives. It equals nothing."""
    def __init__(self, number, items):
        self.number, self.items, self.iterator = number, items, iter(items)
    def __iter__(self):
        return self
    def __next__(self):
        return next(self.iterator)
    def __len__(self):
        return len(self.items)
    def __contains__(self, item):
        return item in self.items

class Name:
    """A name that only the solution defines."""
    def __init__(self, trial, name):
        object.__setattr__(self, "_trial", trial)
        object.__setattr__(self, "_name", name)
    def __getattribute__(self, name):
        own = object.__getattribute__
        if name.startswith("__"):
            return own(self, name)
        return own(self, "_trial").ask(op="get", of={"n": own(self, "_name")}, name=name)
    def __call__(self, *args, **kwargs):
        own = object.__getattribute__
        return own(self, "_trial").call({"n": own(self, "_name")}, args, kwargs)

FOREIGN = (Hole, Thing, Given, Name)

class Assertions(ast.NodeTransformer):
    """Makes assertions ones that note what they compare, and that do not end an exploration."""
    def __init__(self, direct):
        self.direct = direct  # names whose calls are the solution's
    def is_direct(self, node):
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.direct
    def noted(self, test):
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            left, right = test.left, test.comparators[0]
            if isinstance(test.ops[0], ast.Eq):
                if self.is_direct(left):
                    return "equal", left, right
                if self.is_direct(right) and is_constant(left):  # nothing is done before the call
                    return "equal", right, left
            if isinstance(test.ops[0], ast.Is) and self.is_direct(left):
                if isinstance(right, ast.Constant) and right.value in (None, True, False):
                    return "same", left, right
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and self.is_direct(test.operand):
            return "false", test.operand
        if self.is_direct(test):
            return "true", test
    def visit_Assert(self, node):
        self.generic_visit(node)
        noted, judge = self.noted(node.test), ast.Name(JUDGE, ast.Load())
        test = node.test
        if noted is not None:
            way, *sides = noted
            test = ast.Call(ast.Attribute(judge, "check", ast.Load()), [ast.Constant(way), *sides], [])
        failed = ast.Call(ast.Attribute(judge, "failed", ast.Load()), [], [])
        raised = ast.Raise(ast.Name("AssertionError", ast.Load()), None)
        handler = ast.ExceptHandler(None, None, [ast.If(failed, [ast.Raise()], [])])
        tried = ast.Try([ast.If(ast.UnaryOp(ast.Not(), test), [raised], [])], [handler], [], [])
        return ast.fix_missing_locations(ast.copy_location(tried, node))

def is_constant(node):
    try:
        ast.literal_eval(node)
        return True
    except Exception:
        return False

def bound_names(*trees):
    """The names that code defines on its first level."""
    found = set()
    def note(nodes):
        for node in nodes:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.add(node.name)
                continue
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                found.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                found.add(node.name)
            elif isinstance(node, ast.Lambda):
                continue
            note(ast.iter_child_nodes(node))
    note(trees)
    return found

def judge(setup, code, entry_point, known):
    trial = Trial(known)
    def finding(status, reason=None):
        checks = trial.checks if status == "pending" and trial.plain_only and not trial.looked and (
            len(trial.checks) == len(trial.operations)) else None
        return {"status": status, "reason": reason, "operations": trial.operations, "checks": checks}
    try:
        before, tests = ast.parse(setup), ast.parse(code)
    except SyntaxError as error:
        return finding("unsound", f"SyntaxError: {error.msg}")
    defined = bound_names(before, tests) - {entry_point}
    modules = set()
    names = set()
    for tree in (before, tests):
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                if node.id not in defined and (node.id == entry_point or not hasattr(builtins, node.id)):
                    names.add(node.id)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id in sys.stdlib_module_names and node.value.id != entry_point:
                    modules.add(node.value.id)
    modules &= names
    # Within check(candidate) the parameter is what it is called with.
    direct = names - modules
    for node in tests.body:
        if isinstance(node, ast.FunctionDef) and node.name == "check" and node.args.args:
            direct = direct | {node.args.args[0].arg}
    trial.plain_only = not any(
        isinstance(node, (ast.Try, ast.With, ast.AsyncFunctionDef)) for node in ast.walk(tests))
    tests = Assertions(direct).visit(tests)

    space = {"__name__": "tests", JUDGE: trial, **{name: Name(trial, name) for name in names - modules}}
    random.seed(0)  # every time the same calls
    try:
        for module in modules:
            space[module] = __import__(module)
        exec(compile(before, "setup.py", "exec", dont_inherit=True), space)
        if entry_point in names:  # the setup may have a stub of it
            space[entry_point] = Name(trial, entry_point)
        exec(compile(tests, "tests.py", "exec", dont_inherit=True), space)
        outcome = None
    except BaseException as error:
        outcome = error
    if trial.unasked:
        return finding("unsound", trial.unasked)
    if trial.died:
        return finding("fail", trial.died)
    if trial.exploring:
        return finding("pending")
    if outcome is None:
        return finding("pass")
    reason = f"{type(outcome).__name__}: {str(outcome)[:200]}"
    return finding("fail" if trial.operations else "unsound", reason)

def main():
    asked = _json.loads(sys.stdin.buffer.readline())
    mark = asked["mark"]
    printed = sys.stdout
    sys.stdout = open(os.devnull, "w")
    findings = [
        judge(asked["setup"], piece["code"], asked["entryPoint"], piece["known"])
        for piece in asked["pieces"]
    ]
    printed.write("\n" + mark + _json.dumps(findings) + "\n")
    printed.flush()

main()
`;
