/** Says that tests cannot judge a program, and why: neither right nor wrong, whatever the program is. */
export class UnjudgeableError extends Error {
  /** Name of the class. */
  override name: string = "UnjudgeableError";
}
