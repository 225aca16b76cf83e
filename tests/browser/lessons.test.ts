// The notebook on the page: each lesson to its end, with the notebook's own prints.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { lessonOf, OUTLINE } from "../../demo/src/lessons.js";
import { later } from "../../demo/src/parts.js";
import { close, marked, numbers, open, openLesson, visit } from "./harness.js";

interface NotebookCell {
  readonly cell: number;
  readonly kind: string;
  readonly printed: string;
  readonly printed_strings: unknown;
  readonly edit?: { readonly changed_output_indices: number[][] };
  readonly output_shape: number[];
}
const vectors = process.env["CONVSCOPE_VECTORS"] ?? "tests/data/vectors";
const notebook = JSON.parse(readFileSync(path.resolve(vectors, "notebook.json"), "utf8")) as {
  cells: NotebookCell[];
  failing_case: { error: { message: string } };
};
const cells = new Map(notebook.cells.map((cell) => [cell.cell, cell]));

before(open);
after(close);

await later.load();
const LESSONS = OUTLINE.map(({ id }) => lessonOf(id)!);

for (const lesson of LESSONS) {
  test(`lesson "${lesson.title}" runs to its end and prints what the notebook printed`, async () => {
    const { page, complaints } = await visit();
    await openLesson(page, lesson.id);
    for (const step of lesson.steps) {
      await page.click('[data-key="show"]');
      await page.waitForSelector(".lesson-steps .found");
      const wanted = step.prints === undefined ? undefined : cells.get(step.prints);
      if (wanted) {
        assert.deepEqual(await numbers(page, "output"), [wanted.printed_strings].flat(Infinity));
        const print = await page.locator("torch-print pre").innerText();
        assert.ok(print.includes(wanted.printed.replace(/, grad_fn=.*$/, ")")), print);
        const changed = wanted.edit?.changed_output_indices;
        if (changed && step.goal.kind === "edit") {
          const shape = wanted.output_shape;
          const offsets = changed.map((index) =>
            index.reduce((offset, i, axis) => offset * shape[axis]! + i, 0),
          );
          assert.deepEqual(await marked(page), offsets, "exactly the listed outputs are marked");
        }
      }
      if (step.goal.kind === "refused") {
        assert.equal(
          await page.locator("#refusal .message").innerText(),
          notebook.failing_case.error.message,
        );
      }
      await page.click('[data-key="next"]');
    }
    const next = LESSONS[LESSONS.indexOf(lesson) + 1];
    if (next)
      assert.match(
        await page.locator("lesson-panel h2").innerText(),
        new RegExp(next.title.slice(0, 8)),
      );
    assert.deepEqual(complaints, []);
  });
}

test("the lessons show every print of the notebook", () => {
  const shown = new Set(LESSONS.flatMap(({ steps }) => steps.map(({ prints }) => prints)));
  const printed = notebook.cells.filter(({ kind }) => kind === "forward").map(({ cell }) => cell);
  assert.deepEqual(
    printed.filter((cell) => !shown.has(cell)),
    [],
  );
});
