/**
 * The buttons of a checkpoint, as the server offers them, each with its key.
 * @import { Action, Checkpoint } from "../client/protocol.js"
 */
import { useState } from "react";
import { useConnection } from "../client/react.js";
import { connectedLabel } from "./decide.js";
import { html } from "./html.js";
import { t, tOr } from "./i18n/index.js";
import { isSingle } from "./keys.js";
import { labelOf, OUTCOME } from "./verdict.js";

/** @type {Readonly<Record<string, string>>} */
const KEYS = { approve: "a", edit: "a", revise: "r", reject: "r", skip: "s", stop: "x", retry: "t" };
const PROCEEDS = new Set(["approve", "edit", "respond", "retry"]);
/** What is most often meant. To run something again is not: it may have its effect twice. */
const PRIMARY = new Set(["approve", "edit", "respond"]);

/**
 * What may be pressed now: an edited draft is approved with its edits. Outcomes come first, in their author's order.
 * @param {readonly Action[]} offered
 * @param {boolean} edited
 * @param {boolean} [tells] whether an edit is not of a draft, but tells what a tool gave: it is offered always
 */
export function choices(offered, edited, tells = false) {
  const editable = !tells && offered.some((a) => a.id === "edit");
  const shown = offered.filter((a) =>
    a.id === "edit" ? tells || edited : a.id === "approve" ? !(edited && editable) : true,
  );
  const rank = (/** @type {Action} */ a) => (a.id.startsWith(OUTCOME) || (edited && a.id === "edit") ? 0 : PROCEEDS.has(a.id) ? 1 : 2);
  return shown.sort((a, b) => rank(a) - rank(b));
}

/**
 * The action a key stands for, if the focus is where letters are keys.
 * @param {KeyboardEvent} e
 * @param {readonly Action[]} actions
 */
export function actionOfKey(e, actions) {
  return isSingle(e) ? actions.find((a) => KEYS[a.id] === e.key.toLowerCase()) : undefined;
}

/** Keys that only show more: the changes, and the question wider. @param {KeyboardEvent} e */
export function reveal(e) {
  const name = { d: "tab-changes", e: "expand" }[e.key.toLowerCase()];
  const desk = /** @type {HTMLElement} */ (e.currentTarget).closest(".desk");
  const button = name && isSingle(e) ? /** @type {HTMLElement | null | undefined} */ (desk?.querySelector(`[data-testid=${name}]`)) : undefined;
  button?.click();
  return Boolean(button);
}

/**
 * @param {{ checkpoint: Checkpoint, actions: readonly Action[], sending: string, inert: boolean, asking: string, ask: (id: string) => void, choose: (action: Action) => void, takeBack: () => void }} props
 */
export function Actions({ checkpoint: c, actions, sending, inert, asking, ask, choose, takeBack }) {
  const connected = useConnection().phase === "open";
  const asked = actions.find((a) => a.id === asking);
  if (asked && !sending) return html`<${Sure} action=${asked} label=${labelOf(c, asked)} yes=${() => choose(asked)} no=${() => ask("")} />`;
  return html`<footer class="actions" data-count=${actions.length}>${actions.map(
    (action, i) => html`
    <button key=${action.id} type="button" data-testid=${`action-${action.id}`} data-action=${action.id} data-primary=${i === 0 && PRIMARY.has(action.id) ? "" : undefined}
      aria-disabled=${Boolean(sending) || inert} aria-keyshortcuts=${KEYS[action.id]?.toUpperCase()} onClick=${() => !sending && !inert && (action.confirm ? ask(action.id) : choose(action))}>
      <span>${sending === action.id ? t("card.sending") : connectedLabel(labelOf(c, action), connected)}</span>${KEYS[action.id] && html`<kbd aria-hidden="true">${KEYS[action.id]?.toUpperCase()}</kbd>`}</button>`,
  )}
  </footer>${sending && !connected && html`<p class="aside" role="status">${t("card.queued")} <button type="button" class="quiet" onClick=${takeBack}>${t("card.take_back")}</button></p>`}`;
}

/** Asks again, in place. @param {{ action: Action, label: string, yes: () => void, no: () => void }} props */
function Sure({ action, label, yes, no }) {
  const [first] = useState(() => (/** @type {HTMLElement | null} */ button) => button?.focus());
  return html`<div class="sure" role="alertdialog" aria-label=${label}><p>${tOr(`card.sure.${action.id}`, t("card.sure", { action: label }))}</p>
    <footer class="actions"><button type="button" data-testid=${`action-${action.id}-confirm`} data-action=${action.id} onClick=${yes}>${label}</button>
    <button type="button" ref=${first} data-testid=${`action-${action.id}-keep`} onClick=${no}>${t(action.id === "stop" ? "card.sure.no" : "card.sure.back")}</button></footer></div>`;
}
