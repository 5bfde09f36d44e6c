/**
 * Time in two colours: solid where the crew worked, hatched where people held the run.
 * @import { CheckpointView, ExecutionView, Span, TaskView } from "../client/types.js"
 */
import { html } from "./html.js";
import { duration, t } from "./i18n/index.js";
import { useNow } from "./time.js";

/** @param {{ run: ExecutionView, checkpoints: readonly CheckpointView[] }} props */
export function Timeline({ run, checkpoints }) {
  const now = useNow(!run.endedAt);
  const lanes = run.tasks.map((task) => ({
    task,
    name: task.title,
    work: task.work,
    waits: checkpoints.filter((c) => c.task === task.name).flatMap((c) => c.waits),
  }));
  const loose = checkpoints.filter((c) => !run.tasks.some((task) => task.name === c.task)).flatMap((c) => c.waits);
  if (loose.length)
    lanes.push({ task: /** @type {any} */ (undefined), name: t("time.questions"), work: [], waits: loose });
  const spans = lanes.flatMap((l) => [...l.work, ...l.waits]);
  const until = Math.max(run.endedAt ? Date.parse(run.endedAt) : now, ...spans.map((s) => s.to ?? s.from));
  const from = Math.min(Date.parse(run.createdAt), ...spans.map((s) => s.from)),
    length = Math.max(until - from, 1000);
  if (lanes.length === 0) return null;
  return html`<section class="timeline" aria-label=${t("time.title")}><ol>${lanes.map(
    (lane) => html`<li key=${lane.name} data-state=${lane.task?.state}>
    <span class="name">${lane.name}</span><span class="vh">: ${told(lane.task, lane.work, lane.waits, until)}</span>
    <div class="lane" aria-hidden="true">${[
      ["work", lane.work],
      ["wait", lane.waits],
    ].map(([kind, those]) =>
      /** @type {readonly Span[]} */ (those).map(
        (s) => html`
      <i key=${`${kind}${s.from}`} data-kind=${kind} data-open=${s.to === undefined ? "" : undefined} title=${duration((s.to ?? until) - s.from)}
        style=${{ insetInlineStart: `${((s.from - from) / length) * 100}%`, inlineSize: `${(Math.max(0, (s.to ?? until) - s.from) / length) * 100}%` }}></i>`,
      ),
    )}</div>
  </li>`,
  )}</ol><p class="legend"><span data-kind="work"></span>${t("time.legend.crew")}<span data-kind="wait"></span>${t("time.legend.people")}<span class="total">${duration(until - Date.parse(run.createdAt))}</span></p></section>`;
}

/**
 * A lane in words.
 * @param {TaskView | undefined} task
 * @param {readonly Span[]} work
 * @param {readonly Span[]} waits
 * @param {number} until
 */
function told(task, work, waits, until) {
  const sum = (/** @type {readonly Span[]} */ spans) =>
    spans.reduce((all, s) => all + Math.max(0, (s.to ?? until) - s.from), 0);
  const parts = [
    ...(work.length ? [t("time.crew", { time: duration(sum(work)) })] : []),
    ...(waits.length ? [t("time.people", { time: duration(sum(waits)) })] : []),
  ];
  return parts.join(", ") || t(task?.state === "skipped" ? "time.skipped" : "time.pending");
}
