/** A word diff, told by underline and strike as well as by colour: in one text, and side by side where there is room. */
import { useMemo } from "react";
import { changesOf } from "../client/changes.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";

/** @param {{ from: string, to: string }} props */
export default function Diff({ from, to }) {
  const parts = useMemo(() => changesOf(from, to), [from, to]);
  return html`<p class="diff inline" data-testid="diff">${parts.map(mark)}</p>
    <div class="sides" data-testid="diff-sides">
      <section><h3>${t("card.before_edit")}</h3><p class="diff">${parts.filter((part) => !part.added).map(mark)}</p></section>
      <section><h3>${t("card.after_edit")}</h3><p class="diff">${parts.filter((part) => !part.removed).map(mark)}</p></section>
    </div>`;
}

/** @param {import("../client/changes.js").Change} part @param {number} i */
const mark = (part, i) => html`<${part.added ? "ins" : part.removed ? "del" : "span"} key=${i}>${part.value}<//>`;
