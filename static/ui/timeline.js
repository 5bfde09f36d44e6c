/**
 * Time in two colours: solid where the crew worked, hatched where people held the run.
 * @import { CheckpointView, ExecutionView, Span } from "../client/types.js"
 * @import { Lane } from "./lanes.js"
 */
import { html } from "./html.js";
import { t } from "./i18n/index.js";
import { compact, costOf, duration, money } from "./i18n/lengths.js";
import { lanesOf } from "./lanes.js";
import { useNow } from "./time.js";

/** @param {{ run: ExecutionView, checkpoints: readonly CheckpointView[] }} props */
export function Timeline({ run, checkpoints }) {
  const now = useNow(!run.endedAt);
  const lanes = lanesOf(run, checkpoints, t("time.questions"));
  const spans = lanes.flatMap((l) => [...l.work, ...l.waits]);
  const until = Math.max(run.endedAt ? Date.parse(run.endedAt) : now, ...spans.map((s) => s.to ?? s.from));
  const from = Math.min(Date.parse(run.createdAt), ...spans.map((s) => s.from));
  if (lanes.length === 0) return null;
  return html`<section class="timeline" data-testid="timeline" aria-label=${t("time.title")}><ol data-priced=${lanes.some((lane) => lane.usage.cost)}>${lanes.map(
    (lane) => html`<li key=${lane.key} data-state=${lane.state}>
    <span class="name">${lane.entry ? html`<a href=${`#${lane.entry}`}>${lane.name}</a>` : lane.name}</span><span class="vh">: ${told(lane, until)}</span>
    <div class="lane" aria-hidden="true"><${Bars} kind="work" spans=${lane.work} from=${from} until=${until} /><${Bars} kind="wait" spans=${lane.waits} from=${from} until=${until} /></div>
    <span class="tokens" aria-hidden="true"><span>${Boolean(lane.usage.total_tokens) && compact(lane.usage.total_tokens ?? 0)}</span>${lane.usage.cost && html`<span>${Boolean(lane.usage.cost.unpriced) && "≥ "}${money(lane.usage.cost)}</span>`}</span>
  </li>`,
  )}</ol><p class="legend"><span data-kind="work"></span>${t("time.legend.crew")}<span data-kind="wait"></span>${t("time.legend.people")}<span class="total">${duration(until - Date.parse(run.createdAt))}</span></p></section>`;
}

/** @param {{ kind: "work" | "wait", spans: readonly Span[], from: number, until: number }} props */
function Bars({ kind, spans, from, until }) {
  const length = Math.max(until - from, 1000),
    percent = (/** @type {number} */ ms) => `${(Math.max(0, ms) / length) * 100}%`;
  return spans.map(
    (s) => html`<i key=${s.from} data-kind=${kind} data-open=${s.to === undefined ? "" : undefined} title=${duration((s.to ?? until) - s.from)}
      style=${{ insetInlineStart: percent(s.from - from), inlineSize: percent((s.to ?? until) - s.from) }}></i>`,
  );
}

/** A lane in words. @param {Lane} lane @param {number} until */
function told({ work, waits, state, usage: { total_tokens: tokens, cost } }, until) {
  const sum = (/** @type {readonly Span[]} */ spans) =>
    spans.reduce((all, s) => all + Math.max(0, (s.to ?? until) - s.from), 0);
  const parts = [
    ...(work.length ? [t("time.crew", { time: duration(sum(work)) })] : []),
    ...(waits.length ? [t("time.people", { time: duration(sum(waits)) })] : []),
    ...(tokens ? [t("run.tokens", { n: tokens })] : []),
    ...(cost ? [costOf(cost)] : []),
  ];
  return parts.join(", ") || t(state === "skipped" ? "time.skipped" : "time.pending");
}
