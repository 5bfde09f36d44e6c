/**
 * The command palette: everything that can be done or opened from anywhere, found by a few letters.
 * @import { State } from "../client/types.js"
 */
import { useEffect, useId, useMemo, useRef, useState } from "react";
import { useClient, useSelection } from "../client/react.js";
import { commandsOf, found } from "./commands.js";
import { html } from "./html.js";
import "./i18n/run.js";
import { t, useLanguage } from "./i18n/index.js";

/** @param {{ close: () => void, help: () => void }} props */
export default function Palette({ close, help }) {
  const client = useClient(),
    id = useId(),
    dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const language = useLanguage(),
    waiting = useSelection(checkpointsOf),
    summaries = useSelection(summariesOf);
  const [search, find] = useState(""),
    [at, move] = useState(0);
  const all = useMemo(() => commandsOf(client, help), [waiting, summaries, language]);
  const groups = useMemo(() => found(all, search), [all, search]);
  const shown = groups.flatMap((group) => group.commands);
  const chosen = Math.min(at, shown.length - 1);
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => document.getElementById(`${id}${chosen}`)?.scrollIntoView({ block: "nearest" }), [chosen, search]);

  const wanted = useRef(/** @type {(() => void) | undefined} */ (undefined));
  const run = (/** @type {number} */ i) => {
    wanted.current = shown[i]?.run;
    if (wanted.current) dialog.current?.close();
  };
  const closed = () => {
    close();
    wanted.current?.(); // what it opens comes once this is gone, and the focus is where it was
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ e) => {
    const last = shown.length - 1;
    const next = { ArrowDown: chosen < last ? chosen + 1 : 0, ArrowUp: chosen > 0 ? chosen - 1 : last, PageDown: Math.min(last, chosen + 8), PageUp: Math.max(0, chosen - 8) }[e.key];
    if (e.isComposing || (next === undefined && e.key !== "Enter")) return;
    e.preventDefault();
    if (next === undefined) run(chosen);
    else move(next);
  };
  const type = (/** @type {any} */ e) => {
    find(e.target.value);
    move(0);
  };
  let n = 0;
  return html`<dialog class="palette" ref=${dialog} data-testid="palette" aria-label=${t("palette.title")} onClose=${closed} onClick=${(/** @type {any} */ e) => e.target === dialog.current && dialog.current?.close()}>
    <input type="text" role="combobox" data-testid="palette-search" aria-label=${t("palette.hint")} placeholder=${t("palette.hint")} aria-autocomplete="list" aria-expanded="true" aria-controls=${`${id}list`} aria-activedescendant=${shown.length ? `${id}${chosen}` : undefined}
      autocomplete="off" spellcheck="false" value=${search} onInput=${type} onKeyDown=${onKeyDown} />
    <div class="found" role="listbox" id=${`${id}list`} aria-label=${t("palette.title")}>${groups.map(
      ({ kind, commands }) => html`<div key=${kind} role="group" aria-labelledby=${`${id}${kind}`}><h2 id=${`${id}${kind}`} role="presentation">${t(`palette.${kind}`)}</h2>
      ${commands.map((command) => {
        const i = n++;
        return html`<div key=${command.id} id=${`${id}${i}`} role="option" aria-selected=${i === chosen} data-command=${command.id} onClick=${() => run(i)} onMouseMove=${() => i !== chosen && move(i)}><b>${command.title}</b>${command.hint && html` <span>${command.hint}</span>`}</div>`;
      })}</div>`,
    )}</div>
    <p class="empty" role="status">${shown.length ? html`<span class="vh">${t("palette.count", { n: shown.length })}</span>` : t("inbox.not_found")}</p>
  </dialog>`;
}

/** @param {State} state */
const checkpointsOf = (state) => state.checkpoints;
/** @param {State} state */
const summariesOf = (state) => state.summaries;
