/**
 * The left column: what waits for a person, then the runs.
 * @import { Execution } from "../client/protocol.js"
 * @import { CheckpointView } from "../client/types.js"
 * @import { Place } from "./router.js"
 */
import { useApprovals, useSelection } from "../client/react.js";
import { LinkState } from "./connection.js";
import { html } from "./html.js";
import { ago, countdown, t } from "./i18n/index.js";
import { Preferences } from "./preferences.js";
import { Link } from "./router.js";
import { useNow } from "./time.js";

/** A question this young, in milliseconds, came while the page was open. */
const NEW = 3000;

/** @param {{ place: Place }} props */
export function Inbox({ place }) {
  const waiting = useApprovals();
  const runs = useSelection(newestFirst);
  const now = useNow();
  return html`<nav class="inbox" data-testid="inbox" aria-label=${t("inbox")}>
    <header><${Link} to=${{}} class="mark">Quarterdeck<//><${LinkState} /></header>
    <div class="lists">
      <div onClick=${toForm}><${Link} to=${{}} class="new" aria-current=${place.execution ? undefined : "page"}>${t("inbox.new")}<//></div>
      <h2>${t("inbox.waiting")} ${waiting.length > 0 && html`<span class="count">${waiting.length}</span>`}</h2>
      ${waiting.length ? html`<ul class="waiting">${waiting.map((c) => html`<${Waiting} key=${c.id} checkpoint=${c} now=${now} place=${place} />`)}</ul>` : html`<p class="empty">${t("inbox.nothing")}</p>`}
      <h2>${t("inbox.runs")}</h2>
      ${runs.length ? html`<ul class="runs">${runs.map((run) => html`<${Run} key=${run.id} run=${run} now=${now} place=${place} />`)}</ul>` : html`<p class="empty">${t("inbox.none")}</p>`}
    </div>
    <${Preferences} />
  </nav>`;
}

/** Where the form stands already, the cursor goes to it: on a narrow screen it lies below the lists. */
const toForm = () =>
  /** @type {HTMLElement | null} */ (document.querySelector(".start :is(textarea, input)"))?.focus();

/** @param {import("../client/types.js").State} state */
const newestFirst = (state) => Object.values(state.summaries).sort((a, b) => b.created_at.localeCompare(a.created_at));

/** @param {{ checkpoint: CheckpointView, now: number, place: Place }} props */
function Waiting({ checkpoint: c, now, place }) {
  const title = useSelection((state) => state.summaries[c.execution]?.title);
  const current = place.checkpoint === c.id || (!place.checkpoint && place.execution === c.execution);
  const isNew = now - Date.parse(c.opened_at) < NEW;
  return html`<li data-new=${isNew ? "" : undefined}><${Link} to=${{ execution: c.execution, checkpoint: c.id }} aria-current=${current ? "page" : undefined}>
    <b>${c.title}</b><span>${title ?? c.execution}</span>
    <small class="held">${c.deadline ? t("card.left", { time: countdown(Date.parse(c.deadline) - now) }) : ago(now - Date.parse(c.opened_at))}</small><//></li>`;
}

/** @param {{ run: Execution, now: number, place: Place }} props */
function Run({ run, now, place }) {
  return html`<li><${Link} to=${{ execution: run.id }} aria-current=${place.execution === run.id ? "page" : undefined}>
    <b>${run.title}</b><span><i class="dot" data-state=${run.state} aria-hidden="true"></i>${t(`state.${run.state}`)} · ${ago(now - Date.parse(run.ended_at ?? run.created_at))}</span><//></li>`;
}
