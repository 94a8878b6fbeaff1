/**
 * Renders a checked template as Jinja2 does in Transformers (trimmed blocks, no escaping), within a
 * budget: a template without an end is stopped, whatever it does.
 */

import { contains, dictionaryMethods, filters, stringMethods, tests } from "./template_builtins.ts";
import { type Identifier, type Keyword, type Node } from "./template_check.ts";
import {
  Callable,
  compare,
  equals,
  Float,
  iterate,
  Namespace,
  numberOf,
  text,
  toValue,
  truthy,
  Tuple,
  typeName,
  type Value,
  View,
} from "./template_values.ts";

/** Rendering a long conversation takes a few thousand steps. */
const MOST_STEPS = 1_000_000;

/** Characters of a string and items of a list that cost as much as a step. */
const SIZE_OF_STEP = 16;

/** The names of a block, and those around it. */
class Scope {
  readonly names: Map<string, Value> = new Map();

  constructor(readonly parent?: Scope) {}

  get(name: string): Value {
    let scope: Scope | undefined = this as Scope;
    while (scope !== undefined) {
      if (scope.names.has(name)) return scope.names.get(name);
      scope = scope.parent;
    }
    return undefined;
  }
}

/** How a block ended: at its end, or at a `break` or `continue` of the loop around it. */
type Ending = "end" | "Break" | "Continue";

function strftime(format: Value, date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const word = (options: Intl.DateTimeFormatOptions) => date.toLocaleDateString("en-US", options);
  const hour = date.getHours();
  return text(format).replace(/%(.?)/g, (_, letter: string) => {
    switch (letter) {
      case "Y":
        return String(date.getFullYear());
      case "m":
        return two(date.getMonth() + 1);
      case "d":
        return two(date.getDate());
      case "H":
        return two(hour);
      case "I":
        return two(hour % 12 || 12);
      case "M":
        return two(date.getMinutes());
      case "S":
        return two(date.getSeconds());
      case "p":
        return hour < 12 ? "AM" : "PM";
      case "A":
        return word({ weekday: "long" });
      case "a":
        return word({ weekday: "short" });
      case "B":
        return word({ month: "long" });
      case "b":
        return word({ month: "short" });
      case "%":
        return "%";
      default:
        throw new Error(`strftime_now() has '%${letter}', which is not supported`);
    }
  });
}

class Interpreter {
  #steps = 0;

  constructor(readonly date: Date) {}

  #charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MOST_STEPS) {
      throw new Error(`it does not come to an end within ${MOST_STEPS} steps`);
    }
  }

  /** Counts a value as work, since whatever reads it takes as long as it is large. */
  #weigh<T extends Value>(value: T): T {
    if (typeof value === "string" || Array.isArray(value)) {
      this.#charge(value.length / SIZE_OF_STEP);
    } else if (value instanceof Map) {
      this.#charge(value.size);
    }
    return value;
  }

  globals(variables: Readonly<Record<string, unknown>>): Scope {
    const builtins = new Scope();
    const set = (name: string, value: Value) => builtins.names.set(name, value);
    for (const [name, value] of [["true", true], ["false", false], ["none", null]] as const) {
      set(name, value);
      set(name[0].toUpperCase() + name.slice(1), value);
    }
    const define = (name: string, fn: Callable["call"]) => set(name, new Callable(fn));
    define("raise_exception", ([reason]) => {
      throw new Error(`it refuses the conversation: ${text(reason)}`);
    });
    define("strftime_now", ([format]) => strftime(format, this.date));
    define("namespace", (_, named) => new Namespace(new Map(named)));
    define("range", (args) => this.#range(args));
    const scope = new Scope(builtins);
    for (const [name, value] of Object.entries(variables)) scope.names.set(name, toValue(value));
    return scope;
  }

  #range(args: readonly Value[]): Value[] {
    const numbers = args.map((arg) => {
      if (typeof arg !== "number") throw new Error(`range() of ${typeName(arg)}`);
      return arg;
    });
    const [start, stop, step = 1] = numbers.length > 1 ? numbers : [0, ...numbers];
    if (step === 0 || stop === undefined) {
      throw new Error("range() needs an end and a step above 0");
    }
    const length = Math.max(0, Math.ceil((stop - start) / step));
    this.#charge(length);
    return View.from({ length }, (_, i) => start + i * step) as View;
  }

  /** Appends what statements print to `out`. */
  run(statements: readonly Node[], scope: Scope, out: string[]): Ending {
    for (const node of statements) {
      this.#charge(1);
      switch (node.type) {
        case "Comment":
          break;
        case "Break":
        case "Continue":
          return node.type;
        case "If": {
          const branch = truthy(this.evaluate(node.test, scope)) ? node.body : node.alternate;
          const ending = this.run(branch, scope, out);
          if (ending !== "end") return ending;
          break;
        }
        case "For":
          this.#loop(node, scope, out);
          break;
        case "Set":
          this.#assign(
            node.assignee,
            node.value === null ? this.#text(node.body, scope) : this.evaluate(node.value, scope),
            scope,
          );
          break;
        case "Macro":
          scope.names.set(node.name.value, this.#macro(node, scope));
          break;
        default:
          out.push(this.#weigh(text(this.evaluate(node, scope))));
      }
    }
    return "end";
  }

  #text(body: readonly Node[], scope: Scope): string {
    const out: string[] = [];
    this.run(body, new Scope(scope), out);
    return this.#weigh(out.join(""));
  }

  #assign(target: Node, value: Value, scope: Scope): void {
    if (target.type === "Identifier") {
      scope.names.set(target.value, value);
    } else if (target.type === "TupleLiteral") {
      const items = iterate(value);
      if (items.length !== target.value.length) {
        throw new Error(`${items.length} values cannot be given to ${target.value.length} names`);
      }
      target.value.forEach((name, i) => this.#assign(name, items[i], scope));
    } else {
      const { object, property } = target as Extract<Node, { type: "MemberExpression" }>;
      const owner = this.evaluate(object, scope);
      if (!(owner instanceof Namespace)) {
        throw new Error("only a namespace's attributes can be set");
      }
      owner.entries.set((property as Identifier).value, value);
    }
  }

  #loop(node: Extract<Node, { type: "For" }>, scope: Scope, out: string[]): void {
    const { loopvar, iterable } = node;
    const filtered = iterable.type === "SelectExpression";
    let items = iterate(this.evaluate(filtered ? iterable.lhs : iterable, scope));
    if (filtered) {
      items = items.filter((item) => {
        const inner = new Scope(scope);
        this.#assign(loopvar, item, inner);
        return truthy(this.evaluate(iterable.test, inner));
      });
    }
    const length = items.length;
    let completed = false; // Jinja2 runs the else block unless a round came to its end
    for (const [i, item] of [...items].entries()) {
      this.#charge(1);
      const inner = new Scope(scope); // names set in a round do not live on into the next
      inner.names.set(
        "loop",
        new Map<string, Value>([
          ["index", i + 1],
          ["index0", i],
          ["revindex", length - i],
          ["revindex0", length - i - 1],
          ["first", i === 0],
          ["last", i === length - 1],
          ["length", length],
          ["previtem", i > 0 ? items[i - 1] : undefined],
          ["nextitem", items[i + 1]],
        ]),
      );
      this.#assign(loopvar, item, inner);
      const ending = this.run(node.body, inner, out);
      if (ending === "Break") break;
      completed ||= ending === "end";
    }
    if (!completed) this.run(node.defaultBlock, new Scope(scope), out);
  }

  #macro(node: Extract<Node, { type: "Macro" }>, scope: Scope): Callable {
    const nameOf = (arg: Identifier | Keyword) =>
      arg.type === "Identifier" ? arg.value : arg.key.value;
    const name = node.name.value;
    return new Callable((args, named) => {
      if (args.length > node.args.length) {
        throw new Error(`the macro '${name}' takes at most ${node.args.length} arguments`);
      }
      const inner = new Scope(scope);
      const left = new Map(named);
      for (const [i, arg] of node.args.entries()) {
        const key = nameOf(arg);
        const given = i < args.length || left.has(key);
        let value = i < args.length ? args[i] : left.get(key);
        if (!given && arg.type !== "Identifier") value = this.evaluate(arg.value, inner);
        left.delete(key);
        inner.names.set(key, value);
      }
      for (const key of left.keys()) {
        throw new Error(`the macro '${name}' takes no argument '${key}'`);
      }
      return this.#text(node.body, inner);
    });
  }

  evaluate(node: Node, scope: Scope): Value {
    this.#charge(1);
    return this.#weigh(this.#value(node, scope));
  }

  #value(node: Node, scope: Scope): Value {
    switch (node.type) {
      case "Identifier":
        return scope.get(node.value);
      case "StringLiteral":
      case "IntegerLiteral":
        return node.value;
      case "FloatLiteral":
        return new Float(node.value);
      case "ArrayLiteral":
        return node.value.map((item) => this.evaluate(item, scope));
      case "TupleLiteral":
        return Tuple.of(...node.value.map((item) => this.evaluate(item, scope)));
      case "ObjectLiteral": {
        const map = new Map<string, Value>();
        for (const [key, item] of node.value) {
          const name = this.evaluate(key, scope);
          if (typeof name !== "string") throw new Error(`a key cannot be ${typeName(name)}`);
          map.set(name, this.evaluate(item, scope));
        }
        return map;
      }
      case "Ternary":
        return truthy(this.evaluate(node.condition, scope))
          ? this.evaluate(node.trueExpr, scope)
          : this.evaluate(node.falseExpr, scope);
      case "SelectExpression":
        return truthy(this.evaluate(node.test, scope)) ? this.evaluate(node.lhs, scope) : undefined;
      case "UnaryExpression":
        return this.#unary(node.operator.value, this.evaluate(node.argument, scope));
      case "BinaryExpression":
        return this.#binary(node, scope);
      case "TestExpression":
        return tests[node.test.value](this.evaluate(node.operand, scope)) !== node.negate;
      case "FilterExpression": {
        const call = node.filter.type === "CallExpression" ? node.filter : null;
        const name = (call === null ? node.filter : call.callee) as Identifier;
        const operand = this.evaluate(node.operand, scope);
        return filters[name.value].apply(operand, this.#arguments(call?.args ?? [], scope));
      }
      case "MemberExpression":
        return this.#member(node, scope);
      case "CallExpression":
        return this.#call(node.callee, node.args, scope);
      default:
        throw new Error(`it has a '${node.type}' where a value should stand`);
    }
  }

  #arguments(args: readonly Node[], scope: Scope) {
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    for (const arg of args) {
      if (arg.type === "KeywordArgumentExpression") {
        named.set(arg.key.value, this.evaluate(arg.value, scope));
      } else {
        positional.push(this.evaluate(arg, scope));
      }
    }
    return { positional, named };
  }

  #call(callee: Node, args: readonly Node[], scope: Scope): Value {
    if (callee.type === "MemberExpression") {
      const object = this.evaluate(callee.object, scope);
      const name = (callee.property as Identifier).value;
      const { positional } = this.#arguments(args, scope);
      if (typeof object === "string" && Object.hasOwn(stringMethods, name)) {
        return stringMethods[name](object, ...positional);
      }
      if (object instanceof Map && Object.hasOwn(dictionaryMethods, name)) {
        return dictionaryMethods[name](object, ...positional);
      }
      throw new Error(`${typeName(object)} has no '${name}()'`);
    }
    const fn = this.evaluate(callee, scope);
    if (!(fn instanceof Callable)) throw new Error(`${typeName(fn)} cannot be called`);
    const { positional, named } = this.#arguments(args, scope);
    return fn.call(positional, named);
  }

  #member(node: Extract<Node, { type: "MemberExpression" }>, scope: Scope): Value {
    const object = this.evaluate(node.object, scope);
    const { property } = node;
    if (property.type === "SliceExpression") return this.#slice(object, property, scope);
    const key = !node.computed && property.type === "Identifier"
      ? property.value
      : this.evaluate(property, scope);
    if (object === undefined) throw new Error(`an undefined value has no '${text(key)}'`);
    if (typeof key === "number" && (typeof object === "string" || Array.isArray(object))) {
      return (typeof object === "string" ? Array.from(object) : object).at(key);
    }
    if (typeof key !== "string") return undefined;
    if (object instanceof Namespace) return node.computed ? undefined : object.entries.get(key);
    return object instanceof Map ? object.get(key) : undefined;
  }

  #slice(object: Value, node: Extract<Node, { type: "SliceExpression" }>, scope: Scope): Value {
    if (typeof object !== "string" && !Array.isArray(object)) {
      throw new Error(`${typeName(object)} cannot be sliced`);
    }
    const [start, stop, step] = [node.start, node.stop, node.step].map((part) => {
      const value = part === undefined ? null : this.evaluate(part, scope);
      if (value !== null && typeof value !== "number") {
        throw new Error(`a slice cannot go to ${typeName(value)}`);
      }
      return value;
    });
    const by = step ?? 1;
    if (by === 0) throw new Error("a slice's step cannot be 0");
    const items: ArrayLike<Value> = typeof object === "string" ? Array.from(object) : object;
    const { length } = items;
    const [low, high] = by > 0 ? [0, length] : [-1, length - 1];
    const place = (at: number | null, otherwise: number) =>
      at === null ? otherwise : Math.min(Math.max(at < 0 ? at + length : at, low), high);
    const first = place(start, by > 0 ? low : high);
    const end = place(stop, by > 0 ? high : low);
    const taken: Value[] = [];
    for (let i = first; by > 0 ? i < end : i > end; i += by) taken.push(items[i]);
    if (typeof object === "string") return taken.join("");
    return object instanceof Tuple ? Tuple.of(...taken) : taken;
  }

  #unary(operator: string, value: Value): Value {
    if (operator === "not") return !truthy(value);
    const number = numberOf(value);
    if (number === undefined) throw new Error(`'${operator}' of ${typeName(value)}`);
    const result = operator === "-" ? -number : number;
    return value instanceof Float ? new Float(result) : result + 0;
  }

  #binary(node: Extract<Node, { type: "BinaryExpression" }>, scope: Scope): Value {
    const left = this.evaluate(node.left, scope);
    const operator = node.operator.value;
    if (operator === "and") return truthy(left) ? this.evaluate(node.right, scope) : left;
    if (operator === "or") return truthy(left) ? left : this.evaluate(node.right, scope);
    const right = this.evaluate(node.right, scope);
    switch (operator) {
      case "==":
        return equals(left, right);
      case "!=":
        return !equals(left, right);
      case "in":
        return contains(right, left);
      case "not in":
        return !contains(right, left);
      case "<":
        return compare(left, right) < 0;
      case ">":
        return compare(left, right) > 0;
      case "<=":
        return compare(left, right) <= 0;
      case ">=":
        return compare(left, right) >= 0;
      case "~":
        return text(left) + text(right);
      default:
        return this.#arithmetic(operator, left, right);
    }
  }

  #arithmetic(operator: string, left: Value, right: Value): Value {
    const fail = () =>
      new Error(`'${operator}' of ${typeName(left)} and ${typeName(right)} is not supported`);
    if (operator === "+") {
      if (typeof left === "string" && typeof right === "string") return left + right;
      if (Array.isArray(left) && Array.isArray(right)) {
        if (left instanceof Tuple !== right instanceof Tuple) throw fail();
        return left.concat(right);
      }
    }
    const [a, b] = [numberOf(left), numberOf(right)];
    if (a === undefined || b === undefined) throw fail();
    if ("//%".includes(operator) && b === 0) throw new Error("a division by zero");
    const result = {
      "+": a + b,
      "-": a - b,
      "*": a * b,
      "/": a / b,
      "//": Math.floor(a / b),
      "%": a - b * Math.floor(a / b),
    }[operator];
    if (result === undefined) throw fail();
    if (operator === "/" || left instanceof Float || right instanceof Float) {
      return new Float(result);
    }
    if (!Number.isSafeInteger(result)) throw new Error(`the integer ${result} is too large`);
    return result + 0;
  }
}

/** The text of a template that {@linkcode checkTemplate} has let pass. */
export function renderTemplate(
  program: Node,
  variables: Readonly<Record<string, unknown>>,
  date: Date,
): string {
  const interpreter = new Interpreter(date);
  const out: string[] = [];
  interpreter.run((program as { body: Node[] }).body, interpreter.globals(variables), out);
  return out.join("");
}
