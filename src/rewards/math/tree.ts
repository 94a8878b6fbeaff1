import type { Token } from "./tokens.ts";

/** What stands between two brackets that belong together, which may differ: `[0, 1)`. */
export interface Group {
  readonly kind: "group";
  /** `( [ { \{ | \langle \lfloor \lceil \lvert` or `\begin` with the environment's name. */
  readonly open: string;
  readonly close: string;
  readonly items: readonly Item[];
  readonly spaced: boolean;
}
export type Item = Token | Group;

const MAX_DEPTH = 40;

const PAIRS: Readonly<Record<string, readonly string[]>> = {
  "(": [")", "]"],
  "[": ["]", ")"],
  "{": ["}"],
  "\\{": ["\\}", "}"],
  "\\langle": ["\\rangle"],
  "\\lfloor": ["\\rfloor"],
  "\\lceil": ["\\rceil"],
  "\\lvert": ["\\rvert"],
};
const closes = (open: string, close: string) =>
  open.startsWith("\\begin") ? close === open.replace("begin", "end") : PAIRS[open].includes(close);

interface Frame {
  readonly token: Token | null;
  readonly items: Item[];
}

/**
 * Tokens as groups of brackets. Braces that were forgotten are mended, as LaTeX answers of models miss
 * some; other brackets without a partner make the text unreadable: null.
 */
export function group(tokens: readonly Token[]): Item[] | null {
  const stack: Frame[] = [{ token: null, items: [] }];
  const close = (text: string): void => {
    const { token, items } = stack.pop()!;
    const { text: open, spaced } = token!;
    stack.at(-1)!.items.push({ kind: "group", open, close: text, items: bars(items), spaced });
  };
  for (const token of tokens) {
    if (token.kind === "open") {
      if (stack.length > MAX_DEPTH) return null;
      stack.push({ token, items: [] });
      continue;
    }
    if (token.kind !== "close") {
      stack.at(-1)!.items.push(token);
      continue;
    }
    // A missing closing brace is put before the bracket that shows it missing.
    while (stack.at(-1)!.token?.text === "{" && !closes("{", token.text)) {
      if (!stack.some((frame) => frame.token !== null && closes(frame.token.text, token.text))) {
        break;
      }
      close("}");
    }
    const open = stack.at(-1)!.token;
    if (open !== null && closes(open.text, token.text)) close(token.text);
    else if (token.text === "\\rvert") {
      stack.at(-1)!.items.push({ ...token, kind: "sign", text: "|" });
    } else if (token.text !== "}") return null;
  }
  while (stack.length > 1) {
    if (stack.at(-1)!.token!.text !== "{") return null;
    close("}");
  }
  return bars(stack[0].items);
}

/** Whether an operand may end here, so that a bar behind it closes. */
const endsOperand = (item: Item | undefined) =>
  item !== undefined &&
  (item.kind === "group" || item.kind === "number" || item.kind === "letter" ||
    item.kind === "text" || "!'°%".includes(item.text) || item.kind === "command" &&
      /^\\(pi|theta|alpha|beta|infty|phi|lambda|gamma|mathbb.*)$/.test(item.text));

/** Pairs the bars of absolute values; a bar without a partner stays. */
function bars(items: Item[]): Item[] {
  if (!items.some((item) => item.kind === "sign" && item.text === "|")) return items;
  const stack: { spaced: boolean; items: Item[] }[] = [{ spaced: false, items: [] }];
  for (const item of items) {
    if (item.kind !== "sign" || item.text !== "|") {
      stack.at(-1)!.items.push(item);
      continue;
    }
    if (stack.length > 1 && endsOperand(stack.at(-1)!.items.at(-1))) {
      const { spaced, items: inner } = stack.pop()!;
      stack.at(-1)!.items.push({ kind: "group", open: "|", close: "|", items: inner, spaced });
    } else if (stack.length > MAX_DEPTH) return items;
    else stack.push({ spaced: item.spaced, items: [] });
  }
  while (stack.length > 1) {
    const { spaced, items: rest } = stack.pop()!;
    stack.at(-1)!.items.push({ kind: "sign", text: "|", spaced }, ...rest);
  }
  return stack[0].items;
}

/** Whether an item is one of these signs. */
export const isSign = (item: Item, signs: string) =>
  item.kind === "sign" && signs.includes(item.text);
export const isCommand = (item: Item, name: string) =>
  item.kind === "command" && item.text === name;

/** The parts between the items for which `test` holds. */
export function split(items: readonly Item[], test: (item: Item) => boolean): Item[][] {
  const parts: Item[][] = [[]];
  for (const item of items) {
    if (test(item)) parts.push([]);
    else parts.at(-1)!.push(item);
  }
  return parts;
}
