/** How fast sandboxes grade programs, against a plain loop that starts a process for each test. */
import { createSandbox, type SandboxSpec } from "../sandbox/registry.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";

/** A program with its tests. */
export interface GradedProgram {
  /** Its text, in Python. */
  readonly source: string;
  /** Standard inputs with what it must print. */
  readonly tests: readonly { readonly input: string; readonly output: string }[];
}

/** How fast all programs were graded. */
export interface SandboxSpeed {
  /** What graded them. */
  readonly name: string;
  /** Programs a second. */
  readonly programsPerSecond: number;
  /** Tests a second. */
  readonly testsPerSecond: number;
}

/** Programs such as models write, no two alike: a sum with a twist, words in order, a count, a recursion. */
export function gradedPrograms(count: number, tests: number): GradedProgram[] {
  return Array.from({ length: count }, (_, i) => {
    const kinds: [string, (n: number) => [string, string]][] = [
      [
        `a, b = map(int, input().split())\nprint(a * ${i} + b)`,
        (n) => [`${n} ${n + 7}`, `${n * i + n + 7}`],
      ],
      [
        `words = input().split()\nprint(*sorted(words), ${i})`,
        (n) => [`pear${n} apple fig`, `apple fig pear${n} ${i}`],
      ],
      [
        `from collections import Counter\nimport sys\ncount = Counter(sys.stdin.read())\nprint(count["a"] + ${i})`,
        (n) => ["banana ".repeat(n), `${3 * n + i}`],
      ],
      [
        `from functools import cache\n@cache\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nprint(f(int(input())) + ${i})`,
        (n) => [`${n}`, `${fibonacci(n) + i}`],
      ],
    ];
    const [source, test] = kinds[i % kinds.length];
    return {
      source,
      tests: Array.from({ length: tests }, (_, n) => {
        const [input, output] = test(n);
        return { input, output };
      }),
    };
  });
}

function fibonacci(n: number): number {
  let [a, b] = [0, 1];
  for (; n > 0; n--) [a, b] = [b, a + b];
  return a;
}

/**
 * Grades all programs in a sandbox, as many at once as it takes.
 *
 * @throws {Error} if one does not print what it must: a wrong answer is not a speed.
 */
export async function measureSandbox(
  sandbox: Sandbox,
  programs: readonly GradedProgram[],
): Promise<SandboxSpeed> {
  const grade = async ({ source, tests }: GradedProgram) => {
    let n = 0;
    const inputs = tests.map(({ input }) => input);
    for await (const verdict of sandbox.run({ language: "python", source }, inputs)) {
      const printed = verdict.type === "exited" ? verdict.stdout + verdict.stderr : verdict.type;
      check(sandbox.name, source, tests[n++], printed);
    }
    if (n !== tests.length) {
      throw new Error(`${sandbox.name} answered ${n} of ${tests.length} tests`);
    }
  };
  // What it keeps warm is warm in training too.
  await grade(programs[0]);
  return await speed(sandbox.name, programs, () => Promise.all(programs.map(grade)));
}

/** Grades all programs as a plain loop does: bubblewrap and an interpreter for each test, so many at a time. */
export function measureProcessPerTest(
  atOnce: number,
  programs: readonly GradedProgram[],
): Promise<SandboxSpeed> {
  const name = `a process a test, ${atOnce} at once`;
  const grade = async ({ source, tests }: GradedProgram) => {
    for (const test of tests) {
      const child = new Deno.Command("bwrap", {
        args: [...bubblewrapArguments, "python3", "-I", "-c", source],
        clearEnv: true,
        env: { PATH: "/usr/bin:/bin" },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      // A program may end without having read.
      writer.write(new TextEncoder().encode(test.input)).then(() => writer.close()).catch(() => {});
      const { stdout, stderr } = await child.output();
      const decoder = new TextDecoder();
      check(name, source, test, decoder.decode(stdout) + decoder.decode(stderr));
    }
  };
  return speed(name, programs, async () => {
    const rest = [...programs];
    await Promise.all(Array.from({ length: atOnce }, async () => {
      for (let next = rest.pop(); next !== undefined; next = rest.pop()) await grade(next);
    }));
  });
}

/** The usual few lines: namespaces, the system read-only, a temporary folder. */
const bubblewrapArguments = [
  ...["--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr"],
  ...["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin"],
  ...["/bin", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/tmp"],
];

function check(
  name: string,
  source: string,
  test: GradedProgram["tests"][number],
  printed: string,
): void {
  if (printed.trimEnd() === test.output) return;
  const what = `${JSON.stringify(printed)} for ${JSON.stringify(test)}`;
  throw new Error(`${name} printed ${what} of:\n${source}`);
}

async function speed(
  name: string,
  programs: readonly GradedProgram[],
  work: () => Promise<unknown>,
): Promise<SandboxSpeed> {
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const tests = programs.reduce((n, program) => n + program.tests.length, 0);
  return {
    name,
    programsPerSecond: programs.length / seconds,
    testsPerSecond: tests / seconds,
  };
}

/** What was measured, and what could not be and why. */
export interface SandboxFigures {
  /** In the order measured: the loop one at a time, then as many at once as cores, then the providers. */
  readonly speeds: readonly SandboxSpeed[];
  /** Reasons by name. */
  readonly skipped: Readonly<Record<string, string>>;
}

/** Measures the loop and every provider that can start here. */
export async function benchSandboxes(
  programs: readonly GradedProgram[],
  specs: readonly SandboxSpec[],
  progress: (speed: SandboxSpeed) => void = () => {},
): Promise<SandboxFigures> {
  const speeds: SandboxSpeed[] = [], skipped: Record<string, string> = {};
  const done = (speed: SandboxSpeed) => {
    speeds.push(speed);
    progress(speed);
  };
  for (const atOnce of [1, navigator.hardwareConcurrency]) {
    try {
      done(await measureProcessPerTest(atOnce, programs));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      skipped["a process a test"] = "bubblewrap is not installed";
    }
  }
  for (const spec of specs) {
    let made: Sandbox;
    try {
      made = await createSandbox(spec);
    } catch (error) {
      skipped[spec.provider] = (error as Error).message;
      continue;
    }
    await using sandbox = made;
    done(await measureSandbox(sandbox, programs));
  }
  return { speeds, skipped };
}
