import assert from "node:assert/strict";
import { test } from "node:test";
import { decisionOf, isEditable, textOf } from "../../static/adapters/react/answer.js";
import { phaseOf } from "../../static/adapters/react/phase.js";
import { propsOf } from "../../static/adapters/react/props.js";
import { createWords, NO_WORDS } from "../../static/adapters/react/words.js";
import { CommandError } from "../../static/client/index.js";
import { checkpoint } from "./support.js";

/** @import { CheckpointState } from "../../static/adapters/react/use-checkpoint.js" */
/** @import { CheckpointView } from "../../static/client/types.js" */

const ACTIONS = [
  { id: "approve", label: "Approve" },
  { id: "edit", label: "Edit" },
  { id: "revise", label: "Request changes", needs_feedback: true },
  { id: "stop", label: "Stop", confirm: true },
];
/** @param {Partial<CheckpointView>} [more] @returns {CheckpointView} */
const view = (more = {}) => ({ ...checkpoint({ actions: ACTIONS }), waits: [], viewers: [], ...more });
const refusal = (/** @type {string} */ code) => new CommandError(code, code);
/** @param {object} [more] */
const person = (more = {}) => ({ words: NO_WORDS, sending: false, error: null, connected: true, ...more });
/** @param {Partial<import("../../static/adapters/react/words.js").Words>} more */
const typed = (more) => ({ ...NO_WORDS, ...more });

test("a checkpoint stands in one phase", () => {
  const text = typed({ text: "Mine", version: 1 });
  const cases = /** @type {[string, Partial<CheckpointView>, object][]} */ ([
    ["open", {}, {}],
    ["offline", {}, { connected: false }],
    ["sending", {}, { sending: true }],
    ["offline", {}, { sending: true, connected: false }],
    ["open", {}, { words: text }],
    ["stale", { version: 2 }, { words: text }],
    ["stale", {}, { error: refusal("stale_version") }],
    ["open", {}, { error: refusal("needs_feedback") }],
    ["revising", { state: "revising" }, {}],
    ["decided", { state: "decided" }, {}],
    ["decided", { state: "decided" }, { words: text, sending: true }],
    ["conflict", { state: "decided" }, { words: text }],
    ["conflict", { state: "decided" }, { words: typed({ note: "Shorter" }) }],
    ["conflict", { state: "decided" }, { error: refusal("already_decided") }],
    ["conflict", { state: "revising" }, { words: text }],
    ["expired", { state: "expired" }, { words: text }],
    ["withdrawn", { state: "withdrawn" }, {}],
  ]);
  for (const [phase, c, p] of cases) assert.equal(phaseOf(view(c), person(p)), phase);
});

test("an answer names the version that was judged, and carries what was typed", () => {
  const base = { execution: "x_1", checkpoint: "cp_1", version: 3 },
    c = view({ version: 3 });
  assert.deepEqual(decisionOf(c, "approve", NO_WORDS), { ...base, action: "approve" });
  assert.deepEqual(decisionOf(c, "approve", typed({ note: " Good " })), { ...base, action: "approve", feedback: "Good" });
  assert.deepEqual(decisionOf(c, "revise", typed({ note: "Shorter" })), { ...base, action: "revise", feedback: "Shorter" });
  assert.deepEqual(decisionOf(c, "revise", NO_WORDS, { feedback: "Shorter" }), {
    ...base,
    action: "revise",
    feedback: "Shorter",
  });
});

test("to approve a text that was changed is to edit it, where that is offered", () => {
  const words = typed({ text: "Mine", version: 1 });
  assert.deepEqual(
    [decisionOf(view(), "approve", words).action, decisionOf(view(), "approve", words).output],
    ["edit", "Mine"],
  );
  assert.equal(decisionOf(view({ actions: [{ id: "approve", label: "" }] }), "approve", words).action, "approve");
  assert.equal(decisionOf(view(), "edit", NO_WORDS).output, "A plan");
});

test("the arguments of a tool call are edited as JSON", () => {
  const call = view({ kind: "tool", tool: { name: "send", arguments: { to: "@kopi" } } });
  assert.deepEqual(JSON.parse(textOf(call)), { to: "@kopi" });
  assert.deepEqual(decisionOf(call, "edit", typed({ text: '{"to": "@teh"}' })).arguments, { to: "@teh" });
  for (const text of ["{", "[1]", "null", '"x"'])
    assert.throws(() => decisionOf(call, "edit", typed({ text })), /must be a JSON object/);
});

test("a question for words takes the note, or what a form collected", () => {
  const ask = view({ kind: "ask", actions: [{ id: "respond", label: "Answer" }] });
  assert.equal(decisionOf(ask, "respond", typed({ note: "Two" })).response, "Two");
  assert.deepEqual(decisionOf(ask, "respond", NO_WORDS, { response: { creators: 2 } }).response, { creators: 2 });
  assert.throws(() => decisionOf(ask, "respond", NO_WORDS), /Write an answer/);
});

test("what the server would refuse is told before it is sent", () => {
  assert.throws(() => decisionOf(view(), "revise", typed({ note: "  " })), (e) => e instanceof CommandError && e.code === "needs_feedback");
  assert.throws(
    () => decisionOf(view(), "skip", NO_WORDS),
    (e) => e instanceof CommandError && e.code === "not_offered" && /** @type {any} */ (e.detail["actions"]).includes("stop"),
  );
  assert.ok(isEditable(view()));
  assert.ok(!isEditable(view({ state: "decided" })));
});

test("typed words stay until they are dropped, and whoever shows them is told", () => {
  const words = createWords();
  let told = 0;
  const stop = words.subscribe(() => {
    told += 1;
  });
  words.write("cp_1", typed({ note: "Shorter" }));
  assert.equal(words.read("cp_1").note, "Shorter");
  assert.equal(words.read("cp_2"), NO_WORDS);
  words.drop("cp_1");
  words.drop("cp_1");
  stop();
  words.write("cp_1", NO_WORDS);
  assert.equal(told, 2);
});

/** A card, and what was pressed on it. @param {object} [state] @param {object} [card] */
function card(state = {}, card = {}) {
  /** @type {string[]} */ const sent = [],
    /** @type {(string | null)[]} */ asked = [];
  const known = /** @type {CheckpointState} */ (
    /** @type {unknown} */ ({
      checkpoint: view(),
      phase: "open",
      draft: "A plan",
      note: "",
      isEditable: true,
      isInert: false,
      mayDecide: true,
      error: null,
      decide: (/** @type {string} */ action) => void sent.push(action),
      ...state,
    })
  );
  const ask = (/** @type {string | null} */ action) => void asked.push(action);
  const props = propsOf(known, { id: "q", keys: true, asked: null, ask, notify: () => {}, ...card });
  const key = (/** @type {string} */ key, more = {}) =>
    props.getRootProps().onKeyDown(/** @type {any} */ ({ key, target: null, ...more }));
  return { props, key, sent, asked };
}
globalThis.Element ??= /** @type {any} */ (class {});

test("a button answers, but not in the first half second, not while something is sent, and not for who may only read", () => {
  const open = card();
  open.props.getActionProps({ id: "approve", label: "" }).onClick();
  assert.deepEqual(open.sent, ["approve"]);
  for (const state of [{ isInert: true }, { phase: "sending" }, { phase: "decided" }, { mayDecide: false }]) {
    const blocked = card(state),
      button = blocked.props.getActionProps({ id: "approve", label: "" });
    button.onClick();
    blocked.key("a");
    assert.deepEqual([blocked.sent, button["aria-disabled"]], [[], true]);
  }
});

test("letters answer while the focus is in the card, and can be switched off", () => {
  const open = card();
  open.key("a");
  open.key("R");
  open.key("a", { ctrlKey: true });
  open.key("a", { repeat: true });
  open.key("q");
  const field = Object.assign(new Element(), { closest: () => ({}) });
  open.key("a", { target: field });
  assert.deepEqual(open.sent, ["approve", "revise"]);
  const silent = card({}, { keys: false });
  silent.key("a");
  assert.deepEqual(silent.sent, []);
  assert.equal(silent.props.getActionProps({ id: "approve", label: "" })["aria-keyshortcuts"], undefined);
  assert.equal(open.props.getActionProps({ id: "approve", label: "" })["aria-keyshortcuts"], "A");
});

test("what cannot be taken back asks again in place, and Escape leaves that", () => {
  const stop = { id: "stop", label: "Stop", confirm: true };
  const first = card();
  first.props.getActionProps(stop).onClick();
  assert.deepEqual([first.sent, first.asked], [[], ["stop"]]);
  const second = card({}, { asked: "stop" });
  second.key("Escape");
  second.props.getActionProps(stop).onClick();
  assert.deepEqual([second.sent, second.asked], [["stop"], [null, null]]);
});

test("names and states are told to those who cannot see them", () => {
  const { props } = card({ error: refusal("needs_feedback"), phase: "sending" });
  assert.deepEqual(
    [props.getRootProps()["aria-labelledby"], props.getRootProps()["aria-busy"]],
    [props.getTitleProps().id, true],
  );
  assert.equal(props.getNoteLabelProps().htmlFor, props.getNoteProps().id);
  assert.equal(props.getNoteProps()["aria-describedby"], props.getErrorProps().id);
  assert.equal(props.getNoteProps()["aria-invalid"], true);
  assert.ok(props.getEditorProps().readOnly);
});
