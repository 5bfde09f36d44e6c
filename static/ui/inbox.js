/**
 * The lists of the left column: what waits for a person, then the conversations.
 * @import { CheckpointView, State } from "../client/types.js"
 * @import { Conversation } from "./conversations.js"
 * @import { Place } from "./router.js"
 */
import { Suspense, useMemo, useState } from "react";
import { useApprovals, useClient, useMyApprovals, useSelection } from "../client/react.js";
import { conversationsOf, matches } from "./conversations.js";
import { html } from "./html.js";
import { ago, countdown, t } from "./i18n/index.js";
import { later } from "./later.js";
import { Preferences } from "./preferences.js";
import { Link } from "./router.js";
import { useNow } from "./time.js";

/** A question this young, in milliseconds, came while the page was open. */
const NEW = 3000;

const Decided = later(() => import("./decided.js"));

/**
 * @param {{ place: Place, help: () => void, known: boolean }} props `known`: the server knows who this is; else there is nothing to list
 */
export default function Lists({ place, help, known }) {
  const client = useClient(),
    approvals = useApprovals(),
    { person, isOpen } = useSelection(selfOf),
    older = useSelection(olderOf);
  const own = useMyApprovals().length;
  const [shown, show] = useState("all");
  const summaries = useSelection(listed);
  const now = useNow();
  const [search, find] = useState("");
  const all = useMemo(() => conversationsOf(Object.values(summaries)), [summaries]);
  const titleOf = (/** @type {string} */ id) => summaries[id]?.title;
  const isMine = (/** @type {CheckpointView} */ c) => shown !== "mine" || summaries[c.execution]?.owner?.id === person?.id;
  const waiting = approvals.filter((c) => isMine(c) && matches(search, [c.title, c.name, titleOf(c.execution)]));
  const talks = all.filter((talk) => matches(search, talk.runs.flatMap((run) => [run.title, run.crew, run.id])));
  if (!known) return html`<div class="lists"></div><${Preferences} help=${help} />`;
  return html`<div class="lists">
      <input type="search" id="search" data-testid="search" aria-label=${t("inbox.search")} aria-keyshortcuts="/" placeholder=${t("inbox.search")} value=${search} onInput=${(/** @type {any} */ e) => find(e.target.value)} />
      <div onClick=${toForm}><${Link} to=${{}} class="new" aria-current=${place.execution ? undefined : "page"}>${t("inbox.new")}<//></div>
      <h2>${t(shown === "decided" ? "inbox.decided" : "inbox.waiting")} ${shown !== "decided" && own > 0 && html`<span class="count">${own}</span>`}</h2>
      <div class="filters" role="group" aria-label=${t("inbox.show")}>${(isOpen ? KINDS.slice(1) : KINDS).map((kind) => html`<button key=${kind} type="button" class="quiet" data-testid=${`show-${kind}`} aria-pressed=${shown === kind} onClick=${() => show(kind)}>${t(`inbox.${kind}`)}</button>`)}</div>
      ${shown === "decided" ? html`<${Suspense} fallback=${null}><${Decided} search=${search} titleOf=${titleOf} here=${place.checkpoint} /><//>` : waiting.length ? html`<ul class="waiting">${waiting.map((c) => html`<${Waiting} key=${c.id} checkpoint=${c} title=${titleOf(c.execution)} now=${now} place=${place} />`)}</ul>` : html`<p class="empty">${t(approvals.length ? "inbox.not_found" : "inbox.nothing")}</p>`}
      <h2>${t("inbox.talks")}</h2>
      ${talks.length ? html`<ul class="runs">${talks.map((talk) => html`<${Talk} key=${talk.id} talk=${talk} now=${now} place=${place} />`)}</ul>` : html`<p class="empty">${t(search && all.length ? "inbox.not_found" : "inbox.none")}</p>`}
      ${older && html`<button type="button" class="quiet older" data-testid="older" onClick=${() => client.older().catch(() => undefined)}>${t("inbox.older")}</button>`}
    </div>
    <${Preferences} help=${help} />`;
}

/** Where the form stands already, the cursor goes to it: on a narrow screen it lies below the lists. */
const toForm = () =>
  /** @type {HTMLElement | null} */ (document.querySelector(".start :is(textarea, input)"))?.focus();

/** What the list of questions may show; an open server tells nobody's own from others'. */
const KINDS = /** @type {const} */ (["mine", "all", "decided"]);

/** @param {State} state */
const listed = (state) => state.summaries;
/** @param {State} state */
const selfOf = (state) => state.self;
/** @param {State} state */
const olderOf = (state) => state.older;

/** @param {{ checkpoint: CheckpointView, title: string | undefined, now: number, place: Place }} props */
function Waiting({ checkpoint: c, title, now, place }) {
  const current = place.checkpoint === c.id || (!place.checkpoint && place.execution === c.execution);
  const isNew = now - Date.parse(c.opened_at) < NEW;
  return html`<li data-new=${isNew ? "" : undefined}><${Link} to=${{ execution: c.execution, checkpoint: c.id }} aria-current=${current ? "page" : undefined}>
    <b>${c.title}</b><span>${title ?? c.execution}</span>
    <small class="held">${c.deadline ? t("card.left", { time: countdown(Date.parse(c.deadline) - now) }) : ago(now - Date.parse(c.opened_at))}</small><//></li>`;
}

/** @param {{ talk: Conversation, now: number, place: Place }} props */
function Talk({ talk: { title, runs, latest: run }, now, place }) {
  const isHere = runs.some(({ id }) => id === place.execution);
  const state = run.parked && run.state === "waiting" ? "parked" : run.state;
  return html`<li><${Link} to=${{ execution: run.id }} aria-current=${isHere ? "page" : undefined}>
    <b>${title}</b><span><i class="dot" data-state=${run.state} aria-hidden="true"></i>${t(`state.${state}`)} · ${ago(now - Date.parse(run.ended_at ?? run.created_at))}${runs.length > 1 && ` · ${t("inbox.turns", { n: runs.length })}`}</span><//></li>`;
}
