/** Reads a Hugging Face config.json with errors that name the key, its value and what would do. */

/** A model's config.json or checkpoint cannot be used. */
export class ModelError extends Error {
  /** Name of the class. */
  override name: string = "ModelError";

  /** An error with a message of bearable length: a damaged file may hold names and values of any. */
  constructor(message: string) {
    super(
      message.length > 20_000
        ? `${message.slice(0, 10_000)} [...] ${message.slice(-2000)}`
        : message,
    );
  }
}

/** Reads the keys of one config.json, or of an object in it. */
export class ConfigReader {
  /**
   * A reader for a family, whose name stands in every error; `within` is the key of the object that `json` is, if it is
   * not the whole file.
   */
  constructor(
    readonly family: string,
    readonly json: Readonly<Record<string, unknown>>,
    readonly within: string | null = null,
  ) {}

  /** Throws: the value of a key is not what it must be. */
  refuse(key: string, value: unknown, want: string): never {
    const name = this.within === null ? key : `${this.within}.${key}`;
    const text = JSON.stringify(value ?? null);
    const shown = text.length > 200 ? `${text.slice(0, 200)} …` : text;
    throw new ModelError(
      `config.json of a ${this.family} model: '${name}' must be ${want}: it is ${shown}`,
    );
  }

  /** A positive integer, `most` at most; without a fallback the key must be there. */
  size(key: string, fallback?: number, most?: number): number {
    const value = this.json[key] ?? fallback;
    if (!Number.isSafeInteger(value) || (value as number) < 1) {
      this.refuse(key, value, "a positive integer");
    }
    if (most !== undefined && (value as number) > most) {
      this.refuse(key, value, `at most ${most}`);
    }
    return value as number;
  }

  /** A positive number; without a fallback the key must be there. */
  number(key: string, fallback?: number): number {
    const value = this.json[key] ?? fallback;
    if (typeof value !== "number" || !(value > 0) || !Number.isFinite(value)) {
      this.refuse(key, value, "a positive number");
    }
    return value;
  }

  /** A positive number, or null where the key is absent. */
  optionalNumber(key: string): number | null {
    return (this.json[key] ?? null) === null ? null : this.number(key);
  }

  /** A boolean. */
  boolean(key: string, fallback: boolean): boolean {
    const value = this.json[key] ?? fallback;
    if (typeof value !== "boolean") this.refuse(key, value, "true or false");
    return value;
  }

  /** Refuses a feature that is not supported: absent or null stands for the given value. */
  expect(key: string, only: unknown): void {
    const value = this.json[key] ?? only;
    if (value !== only) {
      this.refuse(key, value, `${JSON.stringify(only)}, nothing else is supported`);
    }
  }

  /** `value` of `key` must divide `otherValue` of `other`. */
  divides(key: string, value: number, other: string, otherValue: number): void {
    if (otherValue % value !== 0) {
      this.refuse(other, otherValue, `a multiple of ${key} (${value})`);
    }
  }

  /** An object within, or null where the key is absent or empty. */
  object(key: string): ConfigReader | null {
    const value = this.json[key] ?? null;
    if (value === null) return null;
    if (typeof value !== "object" || Array.isArray(value)) this.refuse(key, value, "an object");
    if (Object.keys(value).length === 0) return null;
    return new ConfigReader(this.family, value as Record<string, unknown>, key);
  }
}
