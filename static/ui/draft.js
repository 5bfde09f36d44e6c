/**
 * The draft under review: as it is, being edited, and what the edit changes.
 * @import { Checkpoint } from "../client/protocol.js"
 * @import { CheckpointView } from "../client/types.js"
 * @import { Problems } from "./answer.js"
 */
import { Suspense, useEffect, useRef, useState } from "react";
import { isStructured } from "./answer.js";
import { Document } from "./document.js";
import { Facts, sorted } from "./facts.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";
import { isJson, pretty } from "./json.js";
import { later } from "./later.js";

const loadDiff = () => import("./diff.js");
const Diff = later(loadDiff);

/** @typedef {"draft" | "edit" | "changes"} Tab */

/** The text that a person may change: the draft, or the arguments of a tool call. @param {Checkpoint} c */
export function textOf(c) {
  if (isStructured(c) && isJson(c.draft.text)) return pretty(c.draft.text);
  return c.tool ? JSON.stringify(c.tool.arguments, null, 2) : c.draft.text;
}

/** Whether the draft is what the crew will be asked, and not what it wrote. @param {CheckpointView} c */
export const isBefore = (c) => c.kind === "task.before";

/** @typedef {{ checkpoint: CheckpointView, text: string, editable: boolean, problems: Problems, edit: (text: string) => void, reset: () => void }} Props */

/** A prompt is folded away: the question can be answered without it. @param {Props} props */
export function Draft(props) {
  const { checkpoint: c, text } = props;
  const [open] = useState(text !== textOf(c));
  if (!isBefore(c)) return text || c.tool ? html`<${Tabbed} ...${props} />` : null;
  const { long } = sorted(c.facts);
  return html`<details class="fold" open=${open} data-testid="will-be-asked"><summary>${t("card.will_be_asked")}</summary>
    <${Tabbed} ...${props} />${long.length > 0 && html`<${Facts} facts=${long} />`}</details>`;
}

/** @param {Props} props */
function Tabbed({ checkpoint: c, text, editable, problems, edit, reset }) {
  const original = textOf(c),
    edited = text !== original;
  const [tab, show] = useState(/** @type {Tab} */ ("draft"));
  useEffect(() => show("draft"), [c.version]);
  const wrong = editable && Object.keys(problems).length > 0;
  useEffect(() => {
    if (wrong) show("edit");
  }, [wrong]);
  useEffect(() => {
    if (editable) loadDiff().catch(() => undefined); // wanted soon; what is missing is told when it is shown
  }, [editable]);
  const tabs = /** @type {Tab[]} */ (editable ? ["draft", "edit", "changes"] : ["draft"]);
  const id = (/** @type {string} */ name) => `${c.id}-${name}`;
  return html`<div class="draft">
    ${editable && html`<${Tabs} of=${c.tool ? "card.call" : "card.draft"} tabs=${tabs} tab=${tab} show=${show} disabled=${edited ? undefined : "changes"} id=${id} />`}
    <div id=${id("panel")} class="panel" role=${editable ? "tabpanel" : "region"} tabindex="0" aria-label=${editable ? undefined : t(c.tool ? "card.call" : "card.draft")} aria-labelledby=${editable ? id(tab) : undefined}>
      ${
        tab === "draft"
          ? html`<${Shown} checkpoint=${c} text=${text} />`
          : tab === "edit"
            ? html`<${Editor} text=${text} label=${t(c.tool ? "card.editor.tool" : "card.editor")} code=${isStructured(c) || Boolean(c.tool)} problems=${problems} id=${id("problems")} edit=${edit} />
              ${!c.tool && !isStructured(c) && html`<section class="preview" aria-label=${t("card.preview")}><${Document} text=${text} language=${c.draft.language} level=${3} /></section>`}`
            : html`<${Suspense} fallback=${null}><${Diff} from=${original} to=${text} /><//>`
      }
    </div>
    ${edited && tab !== "draft" && html`<button type="button" class="quiet" onClick=${reset}>${t("card.reset")}</button>`}
  </div>`;
}

/**
 * @param {{ of: "card.call" | "card.draft", tabs: Tab[], tab: Tab, show: (tab: Tab) => void, disabled: string | undefined, id: (name: string) => string }} props
 */
function Tabs({ of, tabs, tab, show, disabled, id }) {
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const onKeyDown = (/** @type {KeyboardEvent} */ e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    const free = tabs.filter((name) => name !== disabled),
      next = step && free[(free.indexOf(tab) + step + free.length) % free.length];
    if (!next) return;
    e.preventDefault();
    show(next);
    /** @type {HTMLElement | null | undefined} */ (list.current?.querySelector(`[data-tab=${next}]`))?.focus();
  };
  return html`<div class="tabs" role="tablist" ref=${list} aria-label=${t(of === "card.call" ? "card.call" : "card.tabs")} onKeyDown=${onKeyDown}>${tabs.map(
    (name) => html`
    <button key=${name} type="button" role="tab" id=${id(name)} data-tab=${name} data-testid=${`tab-${name}`} aria-controls=${id("panel")} aria-selected=${tab === name}
      tabindex=${tab === name ? 0 : -1} aria-disabled=${name === disabled} title=${name === disabled ? t("card.unchanged") : undefined} onClick=${() => name !== disabled && show(name)}>${t(name === "draft" ? of : `card.${name}`)}</button>`,
  )}</div>`;
}

/** @param {{ checkpoint: CheckpointView, text: string }} props */
function Shown({ checkpoint: c, text }) {
  if (c.tool)
    return html`<p class="aside">${t(c.kind === "recovery" ? "card.tool.lost" : "card.tool")}</p><p class="tool-name"><code>${c.tool.name}</code></p><pre class="code">${text}</pre>`;
  if (isBefore(c)) return html`<p class="prompt">${text}</p>`;
  const type = c.draft.content_type ?? "text/markdown";
  if (isStructured(c) && isJson(text)) return html`<pre class="code">${text}</pre>`;
  if (type === "text/markdown" || type === "text/plain")
    return html`<${Document} text=${text} language=${c.draft.language} level=${3} />`;
  return html`<pre class="code">${text}</pre>`;
}

/**
 * A text area as high as its text.
 * @param {{ text: string, label: string, code: boolean, problems: Problems, id: string, edit: (text: string) => void }} props
 */
function Editor({ text, label, code, problems, id, edit }) {
  const found = Object.entries(problems);
  return html`<textarea class="editor" data-testid="editor" aria-label=${label} spellcheck=${!code} value=${text}
      aria-describedby=${found.length ? id : undefined} aria-invalid=${found.length ? true : undefined} onInput=${(/** @type {any} */ e) => edit(e.target.value)}></textarea>
    ${found.length > 0 && html`<div role="alert" id=${id}><ul class="misfits">${found.map(([name, reason]) => html`<li key=${name} class="error" data-testid=${`problem-${name}`}><code>${name}</code> ${reason}</li>`)}</ul></div>`}`;
}
