/** Several people at one question, and what one of them changes in it, through the card of the package. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { act, h, mount, push, React, tick } from "./dom.js"; // first: React looks for a page when it is loaded
import { Checkpoint, QuarterdeckProvider, useExecution } from "../../static/adapters/react/index.js";
import { changesOf } from "../../static/client/changes.js";
import { decided, ID, latest, makeClient, opened, queued, stopClock, synced } from "./support.js";

stopClock("setInterval");

const states = () => latest().of("view").map((command) => command.state);

/** @param {any} card */
const told = (card) =>
  h(
    "section",
    card.getRootProps(),
    h("textarea", card.getEditorProps()),
    h("p", { id: "viewers" }, card.viewers.map((/** @type {any} */ v) => `${v.name} ${v.state}`).join(", ")),
    h("p", { id: "changes" }, card.changes.map((/** @type {any} */ c) => `${c.added ? "+" : c.removed ? "-" : "="}${c.value}`).join("|")),
  );
/** @param {object} props */
function Page(props) {
  useExecution(ID);
  return h(Checkpoint, { id: "cp_1", ...props }, told);
}

/** @param {object} [props] @param {object} [greeting] */
async function asked(props = {}, greeting = {}) {
  const client = makeClient();
  const shown = await mount(h(React.StrictMode, null, h(QuarterdeckProvider, { client }, h(Page, props))));
  await act(async () => latest().greet(greeting));
  const actions = ["approve", "edit"].map((id) => ({ id, label: id }));
  await push(queued(), opened(2, { actions }), synced(2));
  return { client, ...shown };
}

test("a card tells the others that somebody looks, then edits, then has stopped, then has gone", async () => {
  const { client, type, render } = await asked();
  assert.deepEqual(states(), ["viewing"], "StrictMode mounts twice, and comes once");
  await tick(5_000);
  await type("textarea", "A better plan");
  assert.deepEqual(states(), ["viewing", "editing"]);
  await tick(20_000);
  assert.deepEqual(states(), ["viewing", "editing", "viewing"]);
  await render(h(React.StrictMode, null, h(QuarterdeckProvider, { client })));
  assert.equal(states().at(-1), null);
});

test("who has decided is there no longer; who will not be seen never was", async () => {
  await asked();
  await push(decided(3));
  assert.deepEqual(states(), ["viewing", null]);
  await asked({ presence: false });
  assert.deepEqual(states(), []);
});

test("the others are told by name, oneself is not", async () => {
  const rara = { id: "rara", name: "Rara" };
  const { text } = await asked({}, { auth: "done", principal: rara, connection: "c_7" });
  assert.equal(text("#viewers"), "");
  const viewers = [
    { id: "c_7", name: "Rara", person: "rara", state: "viewing" },
    { id: "c_8", name: "Dimas", person: "dimas", state: "editing" },
  ];
  await push({ type: "presence", execution: ID, checkpoint: "cp_1", viewers });
  assert.equal(text("#viewers"), "Dimas editing");
});

test("an edit is told word by word", async () => {
  const { text, type } = await asked();
  assert.equal(text("#changes"), "");
  await type("textarea", "A better plan");
  assert.equal(text("#changes"), "=A |+better |=plan");
  await type("textarea", "A plan");
  assert.equal(text("#changes"), "");
});

test("two texts without a common word come as one that went and one that came", () => {
  assert.deepEqual(changesOf("one", "two").map(({ value, added, removed }) => [value, Boolean(added), Boolean(removed)]), [
    ["one", false, true],
    ["two", true, false],
  ]);
});
