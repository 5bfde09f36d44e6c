/** AG-UI over the socket says what the server's own door says: the same table, `tests/golden/agui.json`, holds both. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decisionOf, interruptOf } from "../../static/adapters/ag-ui/interrupts.js";
import { historyOf, startOf } from "../../static/adapters/ag-ui/request.js";
import { createTranslation } from "../../static/adapters/ag-ui/translation.js";
import { CommandError } from "../../static/client/index.js";

/** @type {Record<"runs" | "interrupts" | "decisions" | "starts" | "histories", any[]> & { execution: any }} */
const golden = JSON.parse(readFileSync(new URL("../golden/agui.json", import.meta.url), "utf8"));
const plain = (/** @type {unknown} */ value) => JSON.parse(JSON.stringify(value));

for (const { name, messages, steps, events } of golden.runs)
  test(`a run: ${name}`, () => {
    const run = createTranslation({ thread: "t", run: "r", execution: golden.execution, messages });
    const told = steps.flatMap((/** @type {[string, any]} */ [step, value]) => {
      switch (step) {
        case "begin":
          return run.begin(value);
        case "take":
          return run.take(value);
        case "interrupt":
          return run.interrupt(value);
        case "ended":
          return run.ended(value);
        case "giveUp":
          return run.giveUp();
        default:
          return [{ type: "CUSTOM", name: value[0], value: value[1] }];
      }
    });
    assert.deepEqual(plain(told), events);
  });

test("a checkpoint is offered as the server offers it", () => {
  for (const { asked, interrupt } of golden.interrupts) assert.deepEqual(plain(interruptOf(asked)), interrupt);
});

for (const { asked, payload, decision } of golden.decisions)
  test(`${JSON.stringify(payload)} at a checkpoint of kind ${asked.kind} ${decision ? `means ${decision.action}` : "decides nothing"}`, () => {
    if (decision) assert.deepEqual(decisionOf(asked, payload), decision);
    else assert.throws(() => decisionOf(asked, payload), (e) => e instanceof CommandError && e.code === "bad_field");
  });

test("a crew is started with what was said", () => {
  for (const { crew, messages, props, inputs, checkpoints } of golden.starts) {
    const input = /** @type {any} */ ({ threadId: "t", runId: "r", messages, forwardedProps: props });
    assert.deepEqual(startOf(crew, "c", input), { crew: "c", inputs, checkpoints, conversation: "t" });
  }
});

test("inputs and checkpoints of the wrong kind are refused before anything is started", () => {
  for (const forwardedProps of [{ inputs: 7 }, { inputs: [] }, { checkpoints: 7 }, { checkpoints: [7] }]) {
    const input = /** @type {any} */ ({ threadId: "t", runId: "r", messages: [], forwardedProps });
    assert.throws(() => startOf(undefined, "c", input), { code: "bad_field" });
  }
});

test("history is the client's own, or what the tasks gave", () => {
  for (const { messages, history } of golden.histories) assert.deepEqual(historyOf(messages, golden.execution), history);
});
