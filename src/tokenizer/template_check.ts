/** What a chat template may consist of: everything else is refused by name before it is rendered. */

import {
  boundMethods,
  dictionaryMethods,
  filters,
  isNamedTest,
  stringMethods,
  tests,
} from "./template_builtins.ts";

/** A node of a parsed template. */
export type Node =
  | { type: "Program"; body: Node[] }
  | { type: "If"; test: Node; body: Node[]; alternate: Node[] }
  | { type: "For"; loopvar: Node; iterable: Node; body: Node[]; defaultBlock: Node[] }
  | { type: "Break" | "Continue" }
  | { type: "Comment"; value: string }
  | { type: "Set"; assignee: Node; value: Node | null; body: Node[] }
  | { type: "Macro"; name: Identifier; args: (Identifier | Keyword)[]; body: Node[] }
  | { type: "MemberExpression"; object: Node; property: Node; computed: boolean }
  | { type: "CallExpression"; callee: Node; args: Node[] }
  | Identifier
  | { type: "IntegerLiteral" | "FloatLiteral"; value: number }
  | { type: "StringLiteral"; value: string }
  | { type: "ArrayLiteral" | "TupleLiteral"; value: Node[] }
  | { type: "ObjectLiteral"; value: Map<Node, Node> }
  | { type: "BinaryExpression"; operator: { value: string }; left: Node; right: Node }
  | { type: "UnaryExpression"; operator: { value: string }; argument: Node }
  | { type: "FilterExpression"; operand: Node; filter: Node }
  | { type: "SelectExpression"; lhs: Node; test: Node }
  | { type: "TestExpression"; operand: Node; negate: boolean; test: Identifier }
  | { type: "SliceExpression"; start?: Node; stop?: Node; step?: Node }
  | { type: "Ternary"; condition: Node; trueExpr: Node; falseExpr: Node }
  | Keyword;

/** What the parser's tokenizer makes of a template's source. */
export interface Token {
  readonly type: string;
  readonly value: string;
}

/** A name. */
export interface Identifier {
  type: "Identifier";
  value: string;
}

/** An argument with a name, or a parameter with a default. */
export interface Keyword {
  type: "KeywordArgumentExpression";
  key: Identifier;
  value: Node;
}

/** The functions that Transformers gives a template. */
export const FUNCTIONS = ["namespace", "raise_exception", "range", "strftime_now"];

const LOOP_ATTRIBUTES = [
  ...["index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem"],
  "nextitem",
];

const OPERATORS = [
  ...["==", "!=", "<", ">", "<=", ">=", "in", "not in", "and", "or", "+", "-", "*", "/", "//"],
  ...["%", "~"],
];

/** Names that mean something to Jinja2 which is not supported. */
const REFUSED_NAMES = [
  ...["varargs", "kwargs", "caller", "dict", "lipsum", "cycler", "joiner", "self", "super"],
];

function refuse(construct: string): never {
  throw new Error(`it has ${construct}, which is not supported`);
}

function isNamed(node: Node, ...names: string[]): boolean {
  return node.type === "Identifier" && names.includes(node.value);
}

/**
 * Refuses what can no longer be seen once a template is parsed: chains of comparisons, which the
 * parser takes for comparisons of comparisons, and text in which it strips what Jinja2 keeps.
 */
export function checkTokens(tokens: readonly Token[]): void {
  const compared = [false]; // whether a comparison stands to the left, for each open bracket
  let isLoop = false; // the next `in` belongs to a `for`
  for (const [i, { type, value }] of tokens.entries()) {
    const word = type === "Identifier" ? value : "";
    const isBracket = value.length === 1; // and no mark of a statement or an expression
    if (type === "Text" || type === "StringLiteral") {
      const wrong = /^[ \t]+\{[#%-]|[#%-]\}\n/m.exec(value);
      if (wrong) refuse(`the text ${JSON.stringify(wrong[0])}`);
    } else if (type.startsWith("Open") && isBracket) {
      compared.push(false);
    } else if (type.startsWith("Close") && isBracket) {
      compared.pop();
    } else if (
      type.startsWith("Open") || ["Comma", "Colon", "Equals"].includes(type) ||
      ["and", "or", "if", "else"].includes(word)
    ) {
      compared[compared.length - 1] = false;
    } else if (word === "for" && tokens[i - 1]?.type === "OpenStatement") {
      isLoop = true;
    } else if (word === "in" && isLoop) {
      isLoop = false;
    } else if (word === "in" || type === "ComparisonBinaryOperator") {
      if (compared.at(-1)) refuse(`a chain of comparisons (to '${value}')`);
      compared[compared.length - 1] = true;
    } else if (word === "is") {
      const test = tokens[i + 1]?.value === "not" ? tokens[i + 2] : tokens[i + 1];
      if (test && !Object.hasOwn(tests, test.value)) refuse(`the test '${test.value}'`);
    }
  }
}

/** Refuses a template that has something which would not be rendered as Jinja2 does. */
export function checkTemplate(program: Node): void {
  const macros: string[] = [];

  const all = (nodes: Iterable<Node | null | undefined>) => {
    for (const node of nodes) if (node) check(node);
  };

  const checkTarget = (target: Node): void => {
    if (target.type === "Identifier") {
      if (FUNCTIONS.includes(target.value) || target.value === "loop") {
        refuse(`an assignment to '${target.value}'`);
      }
      return check(target);
    }
    if (target.type === "TupleLiteral") return target.value.forEach(checkTarget);
    if (target.type === "MemberExpression" && !target.computed) return check(target.object);
    refuse("an assignment to an expression");
  };

  const checkFilter = (filter: Node): void => {
    const args = filter.type === "CallExpression" ? filter.args : [];
    const callee = filter.type === "CallExpression" ? filter.callee : filter;
    const name = callee.type === "Identifier" ? callee.value : callee.type;
    if (!Object.hasOwn(filters, name)) refuse(`the filter '${name}'`);
    const { most, names } = filters[name];
    const positional = args.filter((arg) => arg.type !== "KeywordArgumentExpression");
    if (positional.length > most) refuse(`the filter '${name}' with ${args.length} arguments`);
    for (const arg of args) {
      if (arg.type === "KeywordArgumentExpression" && !names.includes(arg.key.value)) {
        refuse(`the filter '${name}' with the argument '${arg.key.value}'`);
      }
    }
    if (name === "map" && positional.length > 0) {
      const [by] = positional;
      const inner = by.type === "StringLiteral" ? by.value : by.type;
      if (args.length > 1 || !Object.hasOwn(filters, inner) || inner === "map") {
        refuse(`the filter 'map' with '${inner}'`);
      }
    }
    const test = name.endsWith("attr") ? positional[1] : positional[0];
    if (name.startsWith("select") || name.startsWith("reject")) {
      if (name.endsWith("attr") && positional.length === 0) {
        refuse(`'${name}' without an attribute`);
      }
      if (test && (test.type !== "StringLiteral" || !isNamedTest(test.value))) {
        refuse(`the test '${test.type === "StringLiteral" ? test.value : test.type}' in '${name}'`);
      }
    }
    all(args);
  };

  const checkCall = (callee: Node, args: Node[]): void => {
    if (callee.type === "MemberExpression" && callee.property.type === "Identifier") {
      const name = callee.property.value;
      if (
        callee.computed || (!Object.hasOwn(stringMethods, name) &&
          !Object.hasOwn(dictionaryMethods, name))
      ) {
        refuse(`the method '${name}()'`);
      }
      if (args.some((arg) => arg.type === "KeywordArgumentExpression")) {
        refuse(`the method '${name}()' with named arguments`);
      }
      check(callee.object);
    } else if (!isNamed(callee, ...FUNCTIONS, ...macros)) {
      refuse(
        callee.type === "Identifier"
          ? `the function '${callee.value}()'`
          : "a call of an expression",
      );
    }
    all(args);
  };

  const check = (node: Node): void => {
    switch (node.type) {
      case "Program":
        return all(node.body);
      case "If":
        return all([node.test, ...node.body, ...node.alternate]);
      case "For":
        checkTarget(node.loopvar);
        if (node.iterable.type === "SelectExpression") {
          all([node.iterable.lhs, node.iterable.test]);
        } else {
          check(node.iterable);
        }
        return all([...node.body, ...node.defaultBlock]);
      case "Break":
      case "Continue":
      case "Comment":
      case "StringLiteral":
      case "FloatLiteral":
        return;
      case "Set":
        checkTarget(node.assignee);
        return all([node.value, ...node.body]);
      case "Macro":
        macros.push(node.name.value); // before its body: it may call itself
        for (const arg of node.args) {
          checkTarget(arg.type === "Identifier" ? arg : arg.key);
          if (arg.type !== "Identifier") check(arg.value);
        }
        return all(node.body);
      case "MemberExpression": {
        const { object, property } = node;
        if (!node.computed && property.type === "Identifier") {
          const name = property.value;
          if (isNamed(object, "loop")) {
            if (!LOOP_ATTRIBUTES.includes(name)) refuse(`'loop.${name}'`);
            return;
          }
          if (boundMethods.has(name)) refuse(`the method '${name}' without a call`);
          if (name.startsWith("_")) refuse(`the attribute '${name}'`);
        } else {
          check(property);
        }
        return check(object);
      }
      case "CallExpression":
        return checkCall(node.callee, node.args);
      case "Identifier":
        if (REFUSED_NAMES.includes(node.value)) refuse(`'${node.value}'`);
        if (node.value === "loop") refuse("'loop' without an attribute");
        return;
      case "IntegerLiteral":
        if (!Number.isSafeInteger(node.value)) refuse(`the integer ${node.value}`);
        return;
      case "ArrayLiteral":
      case "TupleLiteral":
        return all(node.value);
      case "ObjectLiteral":
        for (const [key, value] of node.value) all([key, value]);
        return;
      case "BinaryExpression": {
        const operator = node.operator.value;
        if (!OPERATORS.includes(operator)) refuse(`the operator '${operator}'`);
        return all([node.left, node.right]);
      }
      case "UnaryExpression":
        return check(node.argument);
      case "FilterExpression":
        check(node.operand);
        return checkFilter(node.filter);
      case "SelectExpression":
        return all([node.lhs, node.test]);
      case "TestExpression":
        if (!Object.hasOwn(tests, node.test.value)) refuse(`the test '${node.test.value}'`);
        return check(node.operand);
      case "SliceExpression":
        return all([node.start, node.stop, node.step]);
      case "Ternary":
        return all([node.condition, node.trueExpr, node.falseExpr]);
      case "KeywordArgumentExpression":
        return check(node.value);
      default:
        // Call and filter blocks and argument unpacking, which the parser knows.
        refuse(`a '${(node as { type: string }).type}'`);
    }
  };

  check(program);
}
