/** What was typed, and what of it went out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dropNote, dropSent, isSent, keepWords, markSent, wordsOf } from "../../static/ui/words.js";

Object.defineProperty(globalThis, "sessionStorage", {
  get: () => {
    throw new DOMException("Not here", "SecurityError");
  },
  configurable: true,
});

test("what went out with an answer is dropped", () => {
  keepWords("cp_1", { version: 1, note: "Shorter" });
  markSent("cp_1");
  assert.ok(isSent(wordsOf("cp_1")));
  dropSent("cp_1");
  assert.equal(wordsOf("cp_1"), undefined);
});

test("what was typed since then stays", () => {
  keepWords("cp_2", { version: 1, note: "Shorter" });
  markSent("cp_2");
  keepWords("cp_2", { version: 1, note: "Shorter, and in red" });
  dropSent("cp_2");
  assert.equal(wordsOf("cp_2")?.note, "Shorter, and in red");
  assert.ok(!isSent(wordsOf("cp_2")));
});

test("what was typed after a press without a word stays", () => {
  markSent("cp_3");
  keepWords("cp_3", { version: 1, note: "One thing more" });
  dropSent("cp_3");
  assert.equal(wordsOf("cp_3")?.note, "One thing more");
});

test("a note that was said to the others goes, and what was typed beside it or since stays", () => {
  keepWords("cp_4", { version: 1, note: "Shall we?" });
  keepWords("cp_4", { version: 1, note: "Shall we?", text: "Edited meanwhile" });
  dropNote("cp_4", "Shall we?");
  assert.deepEqual(wordsOf("cp_4"), { version: 1, note: "", text: "Edited meanwhile" });
  keepWords("cp_4", { version: 1, note: "Shall we? Today?" });
  dropNote("cp_4", "Shall we?");
  assert.equal(wordsOf("cp_4")?.note, "Shall we? Today?");
});
