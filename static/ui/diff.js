/** A word diff, told by underline and strike as well as by colour: in one text, and side by side where there is room. */
import { diffWordsWithSpace } from "diff";
import { useMemo } from "react";
import { html } from "./html.js";
import { t } from "./i18n/index.js";

/** @typedef {{ value: string, added?: boolean, removed?: boolean }} Part */

/** @param {{ from: string, to: string }} props */
export default function Diff({ from, to }) {
  const parts = /** @type {Part[]} */ (useMemo(() => diffWordsWithSpace(from, to), [from, to]));
  return html`<p class="diff inline" data-testid="diff">${parts.map(mark)}</p>
    <div class="sides" data-testid="diff-sides">
      <section><h3>${t("card.before_edit")}</h3><p class="diff">${parts.filter((part) => !part.added).map(mark)}</p></section>
      <section><h3>${t("card.after_edit")}</h3><p class="diff">${parts.filter((part) => !part.removed).map(mark)}</p></section>
    </div>`;
}

/** @param {Part} part @param {number} i */
const mark = (part, i) => html`<${part.added ? "ins" : part.removed ? "del" : "span"} key=${i}>${part.value}<//>`;
