/** Reads a Hugging Face config.json with errors that name the key, its value and what would do. */

/** A model's config.json or checkpoint cannot be used. */
export class ModelError extends Error {
  /** Name of the class. */
  override name: string = "ModelError";
}

/** Reads the keys of one config.json. */
export class ConfigReader {
  /** A reader for a family, whose name stands in every error. */
  constructor(readonly family: string, readonly json: Readonly<Record<string, unknown>>) {}

  #refuse(key: string, value: unknown, want: string): never {
    throw new ModelError(
      `config.json of a ${this.family} model: '${key}' must be ${want}: it is ${
        JSON.stringify(value)
      }`,
    );
  }

  /** A positive integer, `most` at most; without a fallback the key must be there. */
  size(key: string, fallback?: number, most?: number): number {
    const value = this.json[key] ?? fallback;
    if (!Number.isSafeInteger(value) || (value as number) < 1) {
      this.#refuse(key, value ?? null, "a positive integer");
    }
    if (most !== undefined && (value as number) > most) {
      this.#refuse(key, value, `at most ${most}`);
    }
    return value as number;
  }

  /** A positive number. */
  number(key: string, fallback: number): number {
    const value = this.json[key] ?? fallback;
    if (typeof value !== "number" || !(value > 0) || !Number.isFinite(value)) {
      this.#refuse(key, value, "a positive number");
    }
    return value;
  }

  /** A boolean. */
  boolean(key: string, fallback: boolean): boolean {
    const value = this.json[key] ?? fallback;
    if (typeof value !== "boolean") this.#refuse(key, value, "true or false");
    return value;
  }

  /** Refuses a feature that is not supported: absent or null stands for the given value. */
  expect(key: string, only: unknown): void {
    const value = this.json[key] ?? only;
    if (value !== only) {
      this.#refuse(key, value, `${JSON.stringify(only)}, nothing else is supported`);
    }
  }

  /** `value` of `key` must divide `otherValue` of `other`. */
  divides(key: string, value: number, other: string, otherValue: number): void {
    if (otherValue % value !== 0) {
      this.#refuse(other, otherValue, `a multiple of ${key} (${value})`);
    }
  }

  /** Rotary settings, from rope_parameters (new) or rope_theta and rope_scaling (old). */
  rope(): { theta: number } {
    const parameters = this.json.rope_parameters ?? this.json.rope_scaling ?? {};
    if (typeof parameters !== "object") this.#refuse("rope_parameters", parameters, "an object");
    const rope = parameters as Record<string, unknown>;
    const type = rope.rope_type ?? rope.type ?? "default";
    if (type !== "default") {
      this.#refuse("rope_parameters.rope_type", type, '"default", nothing else is supported');
    }
    const theta = rope.rope_theta ?? this.json.rope_theta ?? 10000;
    if (typeof theta !== "number" || !(theta > 0)) {
      this.#refuse("rope_theta", theta, "a positive number");
    }
    return { theta };
  }
}
