/** The hooks and the card on a page that lives. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { act, h, mount, push, React, tick } from "./dom.js"; // first: React looks for a page when it is loaded
import {
  Checkpoint,
  QuarterdeckProvider,
  useApprovals,
  useConnection,
  useExecution,
  useExecutions,
} from "../../static/adapters/react/index.js";
import { checkpoint, decided, delta, event, FakeSocket, ID, latest, makeClient, opened, queued, settle, stopClock, synced } from "./support.js";

stopClock("setInterval");

const { StrictMode } = React;
const greet = () => act(async () => latest().greet());

let renders = 0;
function Run({ id = ID }) {
  renders += 1;
  const run = useExecution(id);
  return h("p", { id: "run" }, `${useConnection().phase} ${run?.state ?? "none"} ${run?.streams["s1"]?.text ?? ""}`);
}
/** @param {ReturnType<typeof makeClient>} client @param {any[]} children */
const page = (client, ...children) => h(StrictMode, null, h(QuarterdeckProvider, { client }, ...children));

test("StrictMode mounts twice and keeps one socket and one watch; unmounting closes it", async () => {
  const client = makeClient();
  const { text, unmount } = await mount(page(client, h(Run)));
  await greet();
  assert.equal(FakeSocket.all.length, 1);
  assert.equal(latest().of("watch").length, 1);
  await push(queued(), synced(1));
  assert.equal(text("#run"), "open queued ");
  await unmount();
  await settle();
  assert.deepEqual([client.getConnection().phase, latest().readyState], ["idle", 3]);
});

test("what a server rendered is taken over without a mismatch, then goes live", async () => {
  const client = makeClient();
  const { html, problems, text } = await mount(page(client, h(Run)), { hydrate: true });
  assert.match(html, /idle none/);
  assert.deepEqual(problems, []);
  await greet();
  await push(queued());
  assert.equal(text("#run"), "open queued ");
});

test("a page renders once per frame of streamed text, and not for executions that it does not show", async () => {
  const client = makeClient();
  await mount(h(QuarterdeckProvider, { client }, h(Run)));
  await greet();
  await push(queued(), synced(1));
  client.watch("x_2");
  renders = 0;
  await push({ ...queued(), execution: "x_2" }, { ...event("execution.started", 2, {}), execution: "x_2" });
  assert.equal(renders, 0);
  await push(delta(0, "One "), delta(1, "two"), delta(2, " three"));
  assert.equal(renders, 1);
});

test("lists: what waits comes nearest deadline first, executions newest first", async () => {
  const client = makeClient();
  const Lists = () =>
    h("p", { id: "lists" }, [...useApprovals().map((c) => c.id), ...useExecutions().map((e) => e.id)].join(" "));
  const { text } = await mount(page(client, h(Lists)));
  await greet();
  const [executions] = latest().of("list");
  const waiting = [checkpoint({ id: "cp_late" }), checkpoint({ id: "cp_soon", deadline: "2027-01-15T08:00:00.000Z" })];
  const of = (/** @type {string} */ id, /** @type {string} */ created_at) => ({ id, created_at, epoch: "e", offset: 1 });
  for (const list of latest().of("list"))
    await push({ type: "reply", re: list.id, data: { items: list === executions ? [of("x_1", "1"), of("x_2", "2")] : [] } });
  await push({ type: "reply", re: latest().of("watch")[0].id, data: { checkpoints: waiting } });
  assert.equal(text("#lists"), "cp_soon cp_late x_2 x_1");
});

const ACTIONS = [
  { id: "approve", label: "Approve" },
  { id: "edit", label: "Edit" },
  { id: "revise", label: "Request changes", needs_feedback: true },
];
/** @param {object} props */
const Card = (props) =>
  h(Checkpoint, { id: "cp_1", fallback: "…", ...props }, (/** @type {any} */ card) =>
    h(
      "section",
      card.getRootProps(),
      h("h2", card.getTitleProps(), card.checkpoint.title),
      h("textarea", { ...card.getEditorProps(), className: "draft" }),
      h("input", { ...card.getNoteProps(), className: "note" }),
      card.error && h("p", card.getErrorProps(), card.error.message),
      h("time", null, card.remaining),
      card.checkpoint.actions.map((/** @type {any} */ a) => h("button", { key: a.id, ...card.getActionProps(a) }, a.label)),
    ),
  );

/** A page with a card that is open and half a second old. @param {object} [more] @param {object} [props] */
async function asked(more = {}, props = {}) {
  const client = makeClient();
  const shown = await mount(page(client, h(Run), h(Card, props)));
  assert.equal(shown.text("section"), null);
  await greet();
  await push(queued(), opened(2, { actions: ACTIONS, ...more }), synced(2));
  const phase = () => shown.find("section").dataset.phase;
  return { client, phase, decisions: () => latest().of("decide"), ...shown };
}
const APPROVE = '[data-action="approve"]',
  REVISE = '[data-action="revise"]';

test("a fresh card takes no answer for half a second, then one, however often it is pressed", async () => {
  const { click, press, phase, decisions, find } = await asked();
  await click(APPROVE);
  await press("section", "a");
  assert.equal(decisions().length, 0);
  await tick(500);
  assert.equal(find(APPROVE).getAttribute("aria-disabled"), "false");
  await act(async () => {
    find(APPROVE).click();
    find(APPROVE).click();
  });
  assert.equal(decisions().length, 1);
  assert.equal(phase(), "sending");
  assert.equal(find("section").getAttribute("aria-busy"), "true");
});

test("it is called decided when the event comes, not when the answer is sent or kept", async () => {
  for (const eventFirst of [false, true]) {
    const { click, type, phase } = await asked();
    await tick(500);
    await type(".note", "Good");
    await click(APPROVE);
    const reply = () => act(async () => latest().reply("decide", { offset: 3, state: "running" }));
    if (!eventFirst) await reply();
    assert.equal(phase(), "sending");
    await push(decided(3));
    assert.equal(phase(), "decided");
    if (eventFirst) await reply();
    assert.equal(phase(), "decided");
  }
});

test("a request for changes without words is told at once; the words stay over a remount and go with the answer", async () => {
  const { click, type, find, text, decisions, render, client } = await asked();
  await tick(500);
  await click(REVISE);
  assert.equal(text('[role="alert"]'), "Say what should change");
  assert.equal(find(".note").getAttribute("aria-invalid"), "true");
  await type(".note", "Shorter");
  await render(page(client, h(Run)));
  await render(page(client, h(Run), h(Card)));
  assert.equal(find(".note").value, "Shorter");
  await tick(500);
  await click(REVISE);
  const { action, feedback, version } = decisions()[0];
  assert.deepEqual([action, feedback, version], ["revise", "Shorter", 1]);
  await act(async () => latest().reply("decide", { offset: 3, state: "running" }));
  assert.equal(find(".note").value, "");
});

test("a changed text goes as an edit; when somebody else decides first, the words stay and the card says so", async () => {
  const { click, type, find, phase, decisions } = await asked();
  await tick(500);
  await type(".draft", "My plan");
  await click(APPROVE);
  assert.deepEqual([decisions()[0].action, decisions()[0].output], ["edit", "My plan"]);
  const by = { id: "u", name: "Rara" };
  await push(
    decided(3, { action: "approve" }, { by }),
    { type: "error", re: decisions()[0].id, code: "already_decided", message: "Rara was first", retry: false, detail: { by } },
  );
  assert.equal(phase(), "conflict");
  assert.equal(find(".draft").value, "My plan");
});

test("a draft that changes under somebody's edit is stale, and fresh again when the edit is put back", async () => {
  const { type, find, phase } = await asked();
  await type(".draft", "My plan");
  await push(opened(3, { version: 2, actions: ACTIONS, draft: { text: "Another plan" } }));
  assert.equal(phase(), "stale");
  assert.equal(find(".draft").value, "My plan");
  await type(".draft", "Another plan");
  assert.equal(phase(), "open");
});

test("without a connection an answer waits, and goes out with the next one", async () => {
  const { click, phase, decisions } = await asked();
  await tick(500);
  await act(async () => latest().drop());
  assert.equal(phase(), "offline");
  await click(APPROVE);
  await tick(250);
  await greet();
  assert.equal(decisions().length, 1);
  assert.equal(phase(), "sending");
});

test("the time that is left is the server's", async () => {
  const { text } = await asked({ deadline: new Date(1_800_000_090_000).toISOString() });
  assert.equal(text("time"), "90");
  await tick(1000);
  assert.equal(text("time"), "89");
});
