/**
 * What happened, strictly in the order of the log.
 * @import { ExecutionView, Item, Stream } from "../client/types.js"
 */
import { memo, Suspense, useState } from "react";
import { useCheckpoint } from "../client/react.js";
import { chunked, isSame, useGrowing } from "./chunks.js";
import { Document } from "./document.js";
import { html } from "./html.js";
import { t, tOr, useLanguage } from "./i18n/index.js";
import { later } from "./later.js";
import { isClaimed, nameOf, useClaimed } from "./people.js";
import { Link } from "./router.js";
import { verdictOf } from "./verdict.js";

const FileLink = later(() => import("./files.js")),
  UnifiedDiff = later(() => import("./unified.js"));

/** From so many entries on, those out of sight are not laid out. */
const LONG = 300;

/** @param {{ run: ExecutionView }} props */
export function Thread({ run }) {
  const language = useLanguage(),
    streams = Object.values(run.streams);
  const latest = new Map(run.items.flatMap((item) => (item.kind === "task" ? [[item.task, item.key]] : [])));
  const loose = streams.filter((s) => !s.task || !latest.has(s.task));
  const live = new Map(streams.flatMap((s) => (s.task ? [[latest.get(s.task), s]] : [])));
  const shown = useGrowing(run.items.length);
  const all = shown < run.items.length ? run.items.slice(0, shown) : run.items;
  return html`<div class="thread" data-testid="thread" role="log" aria-live="off" aria-label=${t("thread.title")} aria-busy=${shown < run.items.length} data-long=${all.length > LONG ? "" : undefined}>
    ${chunked(all).map((items, i) => html`<${Part} key=${i} items=${items} tasks=${run.tasks} live=${items.map((item) => live.get(item.key))} execution=${run.id} output=${run.output} language=${language} />`)}
    ${loose.length > 0 && html`<ol>${loose.map((s) => html`<li key=${s.stream} class="entry"><p class="who"><b>${s.agent}</b></p><${Live} stream=${s} name=${s.task ?? s.stream} /></li>`)}</ol>`}
  </div>`;
}

/**
 * @typedef {{ items: readonly Item[], tasks: ExecutionView["tasks"], live: readonly (Stream | undefined)[], execution: string, output: string | null | undefined, language: string }} PartProps
 */

/** A stretch of the thread: it renders again only when something in it changed. */
const Part = memo(
  /** @param {PartProps} props */ ({ items, tasks, live, execution, output, language }) =>
    html`<ol>${items.map(
      (item, i) => html`<${Entry} key=${item.key} item=${item} run=${item.kind === "task" ? tasks.find((task) => task.name === item.task) : undefined}
      stream=${live[i]} execution=${execution} language=${language} inResult=${item.kind === "task" && output !== undefined && item.text === output} />`,
    )}</ol>`,
  (a, b) => a.language === b.language && a.tasks === b.tasks && a.output === b.output && isSame(a.items, b.items) && isSame(a.live, b.live),
);

/**
 * @typedef {{ item: Item, run: ExecutionView["tasks"][number] | undefined, stream: Stream | undefined, execution: string, inResult: boolean }} EntryProps
 */

const Entry = memo(
  /** @param {EntryProps} props */ (props) => {
    const { item } = props;
    switch (item.kind) {
      case "task":
        return html`<${TaskEntry} ...${props} item=${item} />`;
      case "tool":
        return html`<${ToolEntry} item=${item} />`;
      case "question":
        return html`<${Question} item=${item} execution=${props.execution} />`;
      case "decision":
        return html`<${Decision} item=${item} execution=${props.execution} />`;
      case "comment":
        return html`<${Comment} item=${item} execution=${props.execution} />`;
      case "notice":
        return html`<li class="entry notice" data-event=${item.event}><p><b>${tOr(`notice.${item.event}`, item.event)}</b> ${item.text}</p></li>`;
      default:
        return null;
    }
  },
);

/** @param {EntryProps & { item: Extract<Item, { kind: "task" }> }} props */
function TaskEntry({ item, run, stream, execution, inResult }) {
  const writes = item.text === undefined || item.text === null;
  const state = writes && run?.round === item.round ? run?.state : "completed";
  const span = run?.work.at(-1);
  const works = state === "running" && span !== undefined && span.to === undefined;
  return html`<li class="entry" data-testid=${`task-${item.task}`} data-state=${state} data-round=${item.round} id=${item.key}>
    <p class="who"><b>${run?.agent ?? run?.title ?? item.task}</b> ${run?.agent && html`<span>${run.title}</span>`} ${item.round > 1 && html`<span>${t("thread.round", { n: item.round })}</span>`}</p>
    ${
      inResult
        ? html`<p class="aside">${t("thread.in_result")}</p>`
        : !writes
          ? html`<${Document} text=${item.text} level=${2} foldable=${true} />`
          : stream
            ? html`<${Live} stream=${stream} name=${item.task} />`
            : works && html`<p class="aside working">${t("thread.working")}</p>`
    }
    ${!writes && run?.file && run.round === item.round && html`<${Suspense} fallback=${null}><${FileLink} execution=${execution} name=${run.file} /><//>`}
  </li>`;
}

/** Text as it arrives. @param {{ stream: Stream, name: string }} props */
function Live({ stream, name }) {
  return html`<div class="live" data-testid=${`stream-${name}`} aria-busy="true">${stream.holed && html`<p class="aside">…</p>`}<${Document} text=${stream.text} level=${2} /></div>`;
}

/** @param {{ item: Extract<Item, { kind: "tool" }> }} props */
function ToolEntry({ item }) {
  const brief = JSON.stringify(item.arguments) ?? "";
  const [open, show] = useState(false);
  return html`<li class="entry tool" data-state=${item.state}><details onToggle=${(/** @type {any} */ e) => show(e.currentTarget.open)}><summary><code>${item.tool}</code> ${item.state === "failed" && html`<b>${t("thread.failed")}</b> `}<span>${brief.length > 90 ? `${brief.slice(0, 90)}…` : brief}</span></summary>
    ${open && html`<pre tabindex="0">${JSON.stringify(item.arguments, null, 2)}</pre>${item.result !== undefined && html`<pre tabindex="0">${item.result}</pre>`}`}</details></li>`;
}

/** Where a question stood. @param {{ item: Extract<Item, { kind: "question" }>, execution: string }} props */
function Question({ item, execution }) {
  const c = useCheckpoint(item.checkpoint);
  if (c?.state !== "open" || c.version !== item.version) return null;
  return html`<li class="entry question"><${Link} to=${{ execution, checkpoint: item.checkpoint }}>${t("thread.asks", { title: item.title })}<//></li>`;
}

/** What somebody said to the others. @param {{ item: Extract<Item, { kind: "comment" }>, execution: string }} props */
function Comment({ item, execution }) {
  const own = useClaimed(`${execution}@${item.offset}`);
  return html`<li class="entry verdict" data-testid="said-there"><p><b>${nameOf(item.by, own)}</b> ${item.text}</p></li>`;
}

/** What was answered, in words or in a form. @param {{ value: unknown }} props */
const Response = ({ value }) =>
  typeof value === "string" ? html`<blockquote>${value}</blockquote>` : html`<pre class="code" tabindex="0">${JSON.stringify(value, null, 2)}</pre>`;

/** @param {{ item: Extract<Item, { kind: "decision" }>, execution: string }} props */
function Decision({ item, execution }) {
  const c = useCheckpoint(item.checkpoint);
  const own = isClaimed(item.checkpoint, item.version) || isClaimed(`${execution}@${item.offset}`, item.version);
  const isLast = c && c.version === item.version && c.state === "decided" && c.kind !== "recovery";
  return html`<li class="entry verdict" data-testid="verdict" data-action=${item.action}>
    <p>${verdictOf(c, item, own)}</p>
    ${item.feedback && html`<blockquote>${item.feedback}</blockquote>`}
    ${item.response !== undefined && item.response !== null && html`<${Response} value=${item.response} />`}
    ${item.diff && html`<details><summary>${t("thread.changed")}</summary><${Suspense} fallback=${null}><${UnifiedDiff} text=${item.diff} /><//></details>`}
    ${isLast && html`<p><${Link} class="again" to=${{ execution, checkpoint: item.checkpoint }} data-testid="look-again">${t("card.again")}<//></p>`}
  </li>`;
}
