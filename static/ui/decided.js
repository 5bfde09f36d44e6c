/**
 * What was decided lately, by whom.
 * @import { Checkpoint } from "../client/protocol.js"
 */
import { useEffect, useState } from "react";
import { useClient } from "../client/react.js";
import { matches } from "./conversations.js";
import { html } from "./html.js";
import "./i18n/run.js";
import { ago, t, tOr } from "./i18n/index.js";
import { isClaimed } from "./people.js";
import { Link } from "./router.js";
import { useNow } from "./time.js";
import { verdictOf } from "./verdict.js";

/** @typedef {{ items: readonly Checkpoint[], next?: string }} Page */

/** @param {{ search: string, waiting: number, titleOf: (execution: string) => string | undefined, here: string | undefined }} props `waiting`: another number means that something was decided */
export default function Decided({ search, waiting, titleOf, here }) {
  const client = useClient(),
    now = useNow();
  const [page, turn] = useState(/** @type {Page | undefined} */ (undefined)),
    [failed, fail] = useState(false);
  const load = (/** @type {Page | undefined} */ before) =>
    client
      .list({ what: "checkpoints", filter: { state: "decided" }, ...(before?.next && { cursor: before.next }) })
      .then(({ items, next }) => turn({ items: [...(before?.items ?? []), ...items], ...(next && { next }) }))
      .catch(() => fail(true));
  useEffect(() => void load(undefined), [waiting]);
  if (!page) return failed ? html`<p class="empty" role="alert">${t("error.unavailable")}</p>` : null;
  const found = page.items.filter((c) => matches(search, [c.title, c.name, titleOf(c.execution)]));
  return html`${found.length ? html`<ul class="waiting" data-testid="decided">${found.map((c) => html`<${Row} key=${c.id} checkpoint=${c} title=${titleOf(c.execution)} now=${now} isHere=${c.id === here} />`)}</ul>` : html`<p class="empty">${t(page.items.length ? "inbox.not_found" : "decided.none")}</p>`}
    ${page.next && html`<button type="button" class="quiet older" onClick=${() => load(page)}>${t("inbox.older")}</button>`}`;
}

/** @param {{ checkpoint: Checkpoint, title: string | undefined, now: number, isHere: boolean }} props */
function Row({ checkpoint: c, title, now, isHere }) {
  const last = c.history.at(-1);
  const verdict = last ? verdictOf(c, { ...last, title: c.title }, isClaimed(c.id, last.version)) : tOr(`card.expired.${c.on_deadline}`, t("card.closed.expired"));
  return html`<li><${Link} to=${{ execution: c.execution, checkpoint: c.id }} aria-current=${isHere ? "page" : undefined}>
    <b>${verdict}</b><span>${title ?? c.execution}</span>${last && html`<small>${ago(now - Date.parse(last.at))}</small>`}<//></li>`;
}
