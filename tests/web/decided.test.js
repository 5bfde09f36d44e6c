import assert from "node:assert/strict";
import { test } from "node:test";
import { judgedOf } from "../../static/ui/decided.js";
import { checkpoint } from "./support.js";

/** @param {string} id @param {string} at @param {object} [more] @returns {any} */
const decided = (id, at, more = {}) => checkpoint({ id, state: "decided", history: [{ version: 1, action: "approve", at }], ...more });

test("what the server listed and what this page saw since stand in one list, the last decided first", () => {
  const listed = [decided("cp_2", "2026-11-24T08:00:02.000Z"), decided("cp_1", "2026-11-24T08:00:01.000Z")];
  const decision = { action: "skip", version: 1, at: "2026-11-24T08:00:03.000Z" };
  const seen = [{ ...checkpoint({ id: "cp_3", state: "decided" }), waits: [], viewers: [], decision }, { ...decided("cp_1", "2026-11-24T08:00:01.000Z"), waits: [], viewers: [] }];
  const all = judgedOf(listed, seen);
  assert.deepEqual(all.map(({ checkpoint: c, last }) => [c.id, last?.action]), [["cp_3", "skip"], ["cp_2", "approve"], ["cp_1", "approve"]]);
});

test("what ran out of time stands at its deadline, and nobody judged it", () => {
  const expired = checkpoint({ id: "cp_9", state: "expired", deadline: "2026-11-24T08:00:09.000Z" });
  assert.deepEqual(judgedOf([expired], []).map(({ last, at }) => [last, at]), [[undefined, "2026-11-24T08:00:09.000Z"]]);
});
