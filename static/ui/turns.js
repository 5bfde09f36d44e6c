/**
 * A run within its conversation: what was said, the runs before it and after it, and the next message.
 * @import { Execution } from "../client/protocol.js"
 * @import { ExecutionView, State } from "../client/types.js"
 */
import { useEffect, useMemo, useState } from "react";
import { useClient, useSelection } from "../client/react.js";
import { conversationOf, conversationsOf } from "./conversations.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";
import { messageInput } from "./message.js";
import { Link } from "./router.js";

/** The runs of the same conversation, oldest first: those that are listed anyway, and those that are older. @param {ExecutionView} run */
export function useTurns(run) {
  const client = useClient();
  const [older, setOlder] = useState(/** @type {readonly Execution[]} */ ([]));
  useEffect(() => {
    if (!run.conversation) return;
    const filter = { conversation: run.conversation };
    client.list({ what: "executions", filter }).then(({ items }) => setOlder(items), () => undefined); // the listed ones stay
  }, [client, run.conversation]);
  const id = conversationOf(run);
  const select = useMemo(
    () => (/** @type {State} */ state) => Object.values(state.summaries).filter((other) => conversationOf(other) === id),
    [id],
  );
  const runs = /** @type {readonly Execution[]} */ (useSelection(select));
  const known = new Map([...older, ...runs].map((other) => [other.id, other]));
  const all = conversationsOf(known.values())[0]?.runs ?? [],
    here = all.findIndex((other) => other.id === run.id);
  return { before: here < 0 ? [] : all.slice(0, here), after: here < 0 ? [] : all.slice(here + 1) };
}

/** @param {{ runs: readonly Execution[], label: "talk.before" | "talk.after" }} props */
export function Turns({ runs, label }) {
  if (!runs.length) return null;
  return html`<nav class="turns" aria-label=${t(label)} data-testid=${label}><ol>${runs.map(
    (run) => html`<li key=${run.id}><${Link} to=${{ execution: run.id }}><b>${run.title}</b> <span>${t(`state.${run.state}`)}</span><//></li>`,
  )}</ol></nav>`;
}

/** What a person asked for, where the title does not say all of it. @param {{ run: ExecutionView }} props */
export function Said({ run }) {
  const texts = Object.entries(run.inputs).filter(([, value]) => typeof value === "string");
  const name = messageInput({ properties: Object.fromEntries(texts.map(([input]) => [input, {}])) });
  const said = name ? String(run.inputs[name]).trim() : "";
  if (!said || said === run.title) return null;
  return html`<p class="said" data-testid="said"><span class="vh">${t("thread.you")}: </span>${said}</p>`;
}

/** Where this run began. @param {{ run: ExecutionView }} props */
export function Origin({ run }) {
  const origin = run.forkedFrom;
  const title = useSelection((state) => (origin ? (state.summaries[origin.execution]?.title ?? origin.execution) : ""));
  if (!origin) return null;
  return html`<p class="origin" data-testid="forked-from"><${Link} to=${{ execution: origin.execution, checkpoint: origin.checkpoint }}>${t("run.forked", { title })}<//></p>`;
}
