/** The keys of the page, and the switch for those that are letters. */
import { useEffect, useRef, useState } from "react";
import { html } from "./html.js";
import "./i18n/run.js";
import { t } from "./i18n/index.js";
import { areKeysOn, switchKeys } from "./keys.js";

const KEYS = /** @type {const} */ ([
  ["j", "J K"],
  ["enter", "Enter"],
  ["approve", "A"],
  ["revise", "R"],
  ["skip", "S"],
  ["stop", "X"],
  ["changes", "D"],
  ["expand", "E"],
  ["palette", "Ctrl K"],
  ["search", "/"],
  ["inbox", "G I"],
  ["send", "Ctrl Enter"],
  ["help", "?"],
]);

/** @param {{ close: () => void }} props */
export default function Help({ close }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [on, set] = useState(areKeysOn);
  useEffect(() => dialog.current?.showModal(), []);
  const choose = (/** @type {boolean} */ next) => {
    switchKeys(next);
    set(next);
  };
  return html`<dialog class="help" ref=${dialog} aria-labelledby="help-title" data-testid="keys" onClose=${close}>
    <h2 id="help-title">${t("keys.title")}</h2>
    <dl>${KEYS.map(([name, keys]) => html`<div key=${name}><dt>${keys.split(" ").map((key) => html`<kbd key=${key}>${key}</kbd> `)}</dt><dd>${t(`keys.${name}`)}</dd></div>`)}</dl>
    <p class="hint">${t("keys.where")}</p>
    <label class="check"><input type="checkbox" data-testid="keys-on" checked=${on} onChange=${(/** @type {any} */ e) => choose(e.target.checked)} /> ${t("keys.on")}</label>
    <p><button type="button" data-primary onClick=${() => dialog.current?.close()}>${t("keys.close")}</button></p>
  </dialog>`;
}
