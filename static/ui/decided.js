/**
 * What was decided lately, by whom: what the server has listed, and what this page has seen since.
 * @import { Checkpoint } from "../client/protocol.js"
 * @import { CheckpointView, State } from "../client/types.js"
 */
import { useEffect, useState } from "react";
import { useClient, useConnection, useSelection } from "../client/react.js";
import { matches } from "./conversations.js";
import { html } from "./html.js";
import "./i18n/run.js";
import { ago, t, tOr } from "./i18n/index.js";
import { isClaimed } from "./people.js";
import { Link } from "./router.js";
import { useNow } from "./time.js";
import { verdictOf } from "./verdict.js";

/** @typedef {{ items: readonly Checkpoint[], next?: string }} Page */
/** @typedef {{ checkpoint: Checkpoint, last: CheckpointView["decision"], at: string }} Judged `last` is absent where the time ran out */

/** @param {{ search: string, titleOf: (execution: string) => string | undefined, here: string | undefined }} props */
export default function Decided({ search, titleOf, here }) {
  const client = useClient(),
    now = useNow(),
    seen = /** @type {readonly CheckpointView[]} */ (useSelection(judgedIn));
  const [page, turn] = useState(/** @type {Page | undefined} */ (undefined)),
    [failed, fail] = useState(false);
  const { phase } = useConnection();
  const load = (/** @type {Page | undefined} */ before) => {
    fail(false);
    client
      .list({ what: "checkpoints", filter: { state: "decided" }, ...(before?.next && { cursor: before.next }) })
      .then(({ items, next }) => turn({ items: [...(before?.items ?? []), ...items], ...(next && { next }) }))
      .catch(() => fail(true));
  };
  useEffect(() => {
    if (!page && phase === "open") load(undefined);
  }, [phase]);
  const problem = failed && html`<p class="empty" role="alert">${t("error.unavailable")}</p>`;
  if (!page) return problem || null;
  const all = judgedOf(page.items, seen);
  const found = all.filter(({ checkpoint: c }) => matches(search, [c.title, c.name, titleOf(c.execution)]));
  return html`${found.length ? html`<ul class="waiting judged" data-testid="decided">${found.map((judged) => html`<${Row} key=${judged.checkpoint.id} judged=${judged} title=${titleOf(judged.checkpoint.execution)} now=${now} isHere=${judged.checkpoint.id === here} />`)}</ul>` : html`<p class="empty">${t(all.length ? "inbox.not_found" : "decided.none")}</p>`}
    ${problem}${page.next && html`<button type="button" class="quiet older" onClick=${() => load(page)}>${t("inbox.older")}</button>`}`;
}

/** @param {State} state */
const judgedIn = (state) => Object.values(state.checkpoints).filter((c) => c.state === "decided" || c.state === "expired");

/**
 * Both, each once, the last decided first.
 * @param {readonly Checkpoint[]} listed
 * @param {readonly CheckpointView[]} seen
 * @returns {Judged[]}
 */
export function judgedOf(listed, seen) {
  const known = new Set(seen.map((c) => c.id));
  const all = [...seen.map((c) => judged(c, c.decision ?? c.history.at(-1))), ...listed.filter((c) => !known.has(c.id)).map((c) => judged(c, c.history.at(-1)))];
  return all.sort((a, b) => b.at.localeCompare(a.at));
}

/** @param {Checkpoint} checkpoint @param {CheckpointView["decision"]} last @returns {Judged} */
const judged = (checkpoint, last) => ({ checkpoint, last: checkpoint.state === "decided" ? last : undefined, at: last?.at ?? checkpoint.deadline ?? checkpoint.opened_at });

/** @param {{ judged: Judged, title: string | undefined, now: number, isHere: boolean }} props */
function Row({ judged: { checkpoint: c, last, at }, title, now, isHere }) {
  const verdict = last ? verdictOf(c, { ...last, title: c.title }, isClaimed(c.id, last.version)) : tOr(`card.expired.${c.on_deadline}`, t("card.closed.expired"));
  return html`<li><${Link} to=${{ execution: c.execution, checkpoint: c.id }} aria-current=${isHere ? "page" : undefined}>
    <b>${verdict}</b><span>${title ?? c.execution}</span><small>${ago(now - Date.parse(at))}</small><//></li>`;
}
