import { asText } from "../columns.ts";
import { hashText } from "../random.ts";
import { isRecord } from "../../std/record.ts";
import { takeReasoning } from "../traces.ts";
import {
  isLeftOut,
  leaveOut,
  type LeftOutRow,
  type Preset,
  type PresetRow,
  type ProblemParts,
  readPrompt,
  readTraceText,
} from "./preset.ts";

const LETTERS = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"];
const ORIGINAL = [
  "Correct Answer",
  "Incorrect Answer 1",
  "Incorrect Answer 2",
  "Incorrect Answer 3",
];

/**
 * GPQA: a letter is the gold answer. Two shapes: a prompt that lists the choices with
 * `final_answer` and `choices`; or the original columns, whose choices are put in an order that
 * follows from the question alone, so that it is the same in every run. The explanations are no
 * traces, since they state the answer.
 */
export const gpqa: Preset = {
  columns: {
    prompt: ["prompt", "question", "Question"],
    answer: ["final_answer", "answer"],
  },
  read(row: PresetRow): ProblemParts | LeftOutRow {
    const prompt = readPrompt(row);
    if (isLeftOut(prompt)) return prompt;
    const { trace } = takeReasoning(readTraceText(row));
    if (row.column(ORIGINAL[0]) !== undefined) return fromOriginal(row, prompt, trace);

    const given = asText(row.part("answer"))?.trim();
    const letter = /^\(?([A-J])\)?\.?$/.exec(given ?? "")?.[1];
    if (letter === undefined) return leaveOut("it has no answer letter", given);
    const choices = row.column("choices");
    const listed = Array.isArray(choices)
      ? LETTERS.slice(0, choices.length)
      : isRecord(choices)
      ? Object.keys(choices)
      : null;
    if (listed !== null && !listed.includes(letter)) {
      return leaveOut("its answer is none of its choices", given);
    }
    return { prompt, answer: letter, trace };
  },
};

function fromOriginal(
  row: PresetRow,
  question: string,
  trace: string,
): ProblemParts | LeftOutRow {
  const texts = ORIGINAL.map((name) => asText(row.column(name))?.trim());
  if (texts.some((text) => !text)) return leaveOut("it lacks one of its four choices");
  const order = [0, 1, 2, 3].sort((a, b) =>
    hashText(`${question}\n${texts[a]}`) - hashText(`${question}\n${texts[b]}`) || a - b
  );
  const list = order.map((choice, i) => `${LETTERS[i]}. ${texts[choice]}`).join("\n");
  return { prompt: `${question}\n\n${list}`, answer: LETTERS[order.indexOf(0)], trace };
}
