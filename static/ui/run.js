/**
 * One run: its head, its time, its thread and its result.
 * @import { CheckpointView, ExecutionView, State } from "../client/types.js"
 */
import { Suspense, useEffect, useMemo, useState } from "react";
import { useClient, useExecution, useMay, useMyApprovals, useSelection } from "../client/react.js";
import { CopyButton, Document, copy, download } from "./document.js";
import { Export } from "./export.js";
import { html } from "./html.js";
import "./i18n/run.js";
import { t, tOr } from "./i18n/index.js";
import { costOf, duration } from "./i18n/lengths.js";
import { Latest } from "./latest.js";
import { later, Skeleton } from "./later.js";
import { isClaimed } from "./people.js";
import { Link } from "./router.js";
import { Thread } from "./thread.js";
import { Timeline } from "./timeline.js";
import { Origin, Said, Turns, useTurns } from "./turns.js";

const FollowUp = later(() => import("./follow-up.js")),
  Offer = later(() => import("./notify.js"));

/** @param {{ id: string }} props */
const Run = ({ id }) => html`<${Whole} id=${id} /><${Bar} id=${id} />`;
export default Run;

/** @param {{ id: string }} props */
function Whole({ id }) {
  const run = useExecution(id);
  const refused = useSelection((state) => state.refused[id]);
  if (run) return html`<${Opened} run=${run} />`;
  if (refused)
    return html`<${Back} /><h1 tabindex="-1">${t("run.title")}</h1><p class="missing" role="alert">${tOr(`run.${refused.code}`, t("run.refused", { reason: refused.message }))}</p>`;
  return html`<${Back} /><div><h1 class="vh">${t("run.title")}</h1><${Skeleton} /></div>`;
}

/** On a narrow screen, the way from a run to what waits. @param {{ id: string }} props */
function Bar({ id }) {
  const waiting = useMyApprovals();
  const next = waiting.find((c) => c.execution === id) ?? waiting[0];
  const other = useSelection((state) => (next && next.execution !== id ? state.summaries[next.execution]?.title : undefined));
  if (!next) return null;
  return html`<${Link} class="bar" to=${{ execution: next.execution, checkpoint: next.id }}><span>${t("inbox.count", { n: waiting.length })}${other && html` <small>${other}</small>`}</span><b>${t("inbox.review")}</b><//>`;
}

const Back = () => html`<${Link} to=${{}} class="back">${t("run.back")}<//>`;

/** @param {{ run: ExecutionView }} props */
function Opened({ run }) {
  const select = useMemo(
    () => (/** @type {State} */ state) => Object.values(state.checkpoints).filter((c) => c.execution === run.id),
    [run.id],
  );
  const checkpoints = /** @type {readonly CheckpointView[]} */ (useSelection(select));
  const catching = useSelection((state) => state.watched[run.id] === "catching-up");
  const hasDecided = useSelection(isOneMine),
    mayStart = useMay("start");
  const { before, after } = useTurns(run);
  return html`<${Back} />${hasDecided && html`<${Suspense} fallback=${null}><${Offer} /><//>`}<${Turns} runs=${before} label="talk.before" /><${Head} run=${run} catching=${catching} /><${Timeline} run=${run} checkpoints=${checkpoints} />
    <${Said} run=${run} /><${Thread} run=${run} />${run.state === "completed" && html`<${Result} run=${run} />`}<${Turns} runs=${after} label="talk.after" />
    ${run.endedAt && !after.length && mayStart && html`<${Suspense} fallback=${null}><${FollowUp} run=${run} /><//>`}<${Latest} run=${run} catching=${catching} />`;
}

/** Whether something was decided from this tab. @param {State} state */
const isOneMine = (state) => Object.values(state.checkpoints).some((c) => c.decision && isClaimed(c.id, c.decision.version));

/** @param {{ run: ExecutionView, catching: boolean }} props */
function Head({ run, catching }) {
  const tokens = Math.max(
    run.usage.total_tokens ?? 0,
    run.tasks.reduce((sum, task) => sum + (task.usage?.total_tokens ?? 0), 0),
  );
  const maySteer = useMay("cancel", run.id);
  const asked = Object.entries(run.inputs).filter(([, value]) => value !== "" && value !== null);
  return html`<header class="run"><h1 tabindex="-1">${run.title}</h1><${Origin} run=${run} />
    <p class="facts"><span class="chip" data-testid="run-state" data-state=${run.state} role="status">${t(run.parked && run.state === "waiting" ? "state.parked" : `state.${run.state}`)}</span>
      <button type="button" class="id" title=${t("run.copy_id")} aria-label=${`${t("run.copy_id")}: ${run.id}`} onClick=${() => copy(run.id)}>${run.id}</button>
      ${tokens > 0 && html`<span>${t("run.tokens", { n: tokens })}</span>`}
      ${run.usage.cost && html`<span data-testid="cost">${costOf(run.usage.cost)}</span>`}
      ${Boolean(run.usage.replayed) && html`<span data-testid="replayed">${t("run.replayed", { n: run.usage.replayed })}</span>`}
      <${Export} id=${run.id} />
      ${catching && html`<span class="catching">${t("run.catching")}</span>`}
      ${!run.endedAt && maySteer && html`<${Steer} run=${run} />`}</p>
    ${
      asked.length > 0 &&
      html`<details class="inputs"><summary>${t("run.inputs")}</summary><dl>${asked.map(
        ([name, value]) => html`
      <dt key=${name}>${name}</dt><dd>${typeof value === "string" ? value : JSON.stringify(value)}</dd>`,
      )}</dl></details>`
    }</header>`;
}

/** Pause or go on, and cancel. @param {{ run: ExecutionView }} props */
function Steer({ run }) {
  const client = useClient();
  const [asking, ask] = useState(false),
    [error, fail] = useState("");
  useEffect(() => fail(""), [run.state]);
  const steer = (/** @type {"pause" | "resume" | "cancel"} */ how) => {
    ask(false);
    fail("");
    client[how](run.id).catch((e) => fail(tOr(`error.${e.code}`, e.message, { message: e.message })));
  };
  const cancel = () => steer("cancel"),
    next = run.state === "paused" ? "resume" : "pause";
  if (!asking)
    return html`<span class="steer end"><button type="button" class="quiet" data-testid=${`run-${next}`} onClick=${() => steer(next)}>${t(`run.${next}`)}</button>
      <button type="button" class="quiet" data-testid="run-cancel" onClick=${() => ask(true)}>${t("run.cancel")}</button>${error && html`<span role="alert">${error}</span>`}</span>`;
  return html`<span class="sure end" role="group">${t("run.cancel.sure")} <button type="button" class="small" data-testid="run-cancel-yes" onClick=${cancel}>${t("run.cancel.yes")}</button>
    <button type="button" class="small" onClick=${() => ask(false)}>${t("run.cancel.no")}</button></span>`;
}

/** @param {{ run: ExecutionView }} props */
function Result({ run }) {
  const time = duration(Date.parse(run.endedAt ?? run.createdAt) - Date.parse(run.createdAt)),
    waited = (run.waited ?? 0) * 1000;
  const text = run.output ?? "",
    took = waited >= 1000 ? t("result.took", { time, waited: duration(waited) }) : t("result.took_alone", { time });
  return html`<section class="result" data-testid="result" aria-labelledby="result-title">
    <header><h2 id="result-title">${t("result.title")}</h2><p>${took}${run.usage.cost && html` · <span data-testid="result-cost">${costOf(run.usage.cost)}</span>`}</p>
      <span class="tools"><${CopyButton} text=${text} label=${t("result.copy")} /><button type="button" class="small" onClick=${() => download(`${run.id}.md`, text)}>${t("result.download")}</button></span></header>
    <${Document} text=${text} level=${3} /></section>`;
}
