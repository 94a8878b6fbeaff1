/**
 * Units after a number. A unit may be left out, and words that name none ("apples", "units") are ignored;
 * but where prediction and gold both name a measure, 5 cm is 50 mm and is neither 5 m nor 5 cm².
 *
 * @module
 */
import { divide, multiply, ONE, power, type Rational, rational } from "./rational.ts";
import { table } from "./table.ts";

/** A unit as a product of base units' powers, and how many of those it is. */
export interface Unit {
  /** `length^2`, sorted; the empty text is a pure number. */
  readonly dimension: string;
  readonly scale: Rational;
}

type Definition = readonly [dimension: string, over: bigint, under?: bigint];

const UNITS = table<Definition>({
  nm: ["length", 1n, 1_000_000_000n],
  mm: ["length", 1n, 1000n],
  millimeter: ["length", 1n, 1000n],
  cm: ["length", 1n, 100n],
  centimeter: ["length", 1n, 100n],
  dm: ["length", 1n, 10n],
  m: ["length", 1n],
  meter: ["length", 1n],
  km: ["length", 1000n],
  kilometer: ["length", 1000n],
  in: ["length", 254n, 10_000n],
  inch: ["length", 254n, 10_000n],
  ft: ["length", 3048n, 10_000n],
  foot: ["length", 3048n, 10_000n],
  yd: ["length", 9144n, 10_000n],
  yard: ["length", 9144n, 10_000n],
  mi: ["length", 1_609_344n, 1000n],
  mile: ["length", 1_609_344n, 1000n],
  mg: ["mass", 1n, 1000n],
  g: ["mass", 1n],
  gram: ["mass", 1n],
  kg: ["mass", 1000n],
  kilogram: ["mass", 1000n],
  lb: ["weight", 16n],
  pound: ["weight", 16n],
  oz: ["weight", 1n],
  ounce: ["weight", 1n],
  ms: ["time", 1n, 1000n],
  s: ["time", 1n],
  sec: ["time", 1n],
  second: ["time", 1n],
  min: ["time", 60n],
  minute: ["time", 60n],
  h: ["time", 3600n],
  hr: ["time", 3600n],
  hour: ["time", 3600n],
  day: ["time", 86_400n],
  week: ["time", 604_800n],
  month: ["months", 1n],
  year: ["months", 12n],
  dollar: ["money", 1n],
  cent: ["money", 1n, 100n],
  degree: ["angle", 1n],
  "°": ["angle", 1n],
  liter: ["volume", 1n],
  l: ["volume", 1n],
  ml: ["volume", 1n, 1000n],
  milliliter: ["volume", 1n, 1000n],
});
const PLURALS = table<string>({
  inches: "inch",
  feet: "foot",
  metre: "meter",
  metres: "meter",
  centimetre: "centimeter",
  centimetres: "centimeter",
  kilometre: "kilometer",
  kilometres: "kilometer",
  litre: "liter",
  litres: "liter",
  deg: "degree",
  mph: "mile/hour",
  kph: "km/hour",
  kmh: "km/hour",
  hrs: "hour",
  mins: "minute",
  secs: "second",
  lbs: "pound",
});

function definition(word: string): Definition | undefined {
  const singular = PLURALS[word] ?? word;
  return UNITS[singular] ?? (word.length > 3 ? UNITS[word.replace(/s$/, "")] : undefined);
}

/**
 * The unit that words name, or null if they name none that is known: `cm^2`, `square feet`,
 * `miles per hour`, `m/s`.
 */
export function parseUnit(text: string): Unit | null {
  const spelled = text.toLowerCase()
    .replace(/\b(mph|kph|kmh)\b/g, (word) => PLURALS[word])
    .replace(/\bper\b/g, "/").replace(/[.{}()]/g, " ").replace(/\s*([/^])\s*/g, "$1").trim();
  const powers = new Map<string, number>();
  let scale: Rational | null = ONE;
  let exponent = 1;
  for (const token of spelled.split(/(?=\/)|\s+/)) {
    const match = /^(\/?)([a-z°]+)(?:\^(-?\d))?$/.exec(token);
    if (match === null) return null;
    const [, slash, word, raised] = match;
    if (word === "square" || word === "sq") exponent = 2;
    else if (word === "cubic" || word === "cu") exponent = 3;
    else {
      const unit = definition(word);
      if (unit === undefined) return null;
      const times = (raised === undefined ? exponent : Number(raised)) * (slash === "/" ? -1 : 1);
      exponent = 1;
      powers.set(unit[0], (powers.get(unit[0]) ?? 0) + times);
      const factor = power(rational(unit[1], unit[2] ?? 1n)!, BigInt(Math.abs(times)));
      scale = factor === null || scale === null
        ? null
        : times < 0
        ? divide(scale, factor)
        : multiply(scale, factor);
    }
  }
  if (scale === null || powers.size === 0) return null;
  const dimension = [...powers].filter(([, n]) => n !== 0).map(([name, n]) => `${name}^${n}`);
  return { dimension: dimension.sort().join(" "), scale };
}
