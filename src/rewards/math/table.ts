/** A look-up table by words of a text, which has none of the names that objects inherit, such as "constructor". */
export function table<T>(entries: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.assign(Object.create(null), entries);
}
