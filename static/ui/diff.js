/** A word diff, told by underline and strike as well as by colour. */
import { diffWordsWithSpace } from "diff";
import { useMemo } from "react";
import { html } from "./html.js";

/** @param {{ from: string, to: string }} props */
export default function Diff({ from, to }) {
  const parts = useMemo(() => diffWordsWithSpace(from, to), [from, to]);
  return html`<p class="diff">${parts.map((part, i) => html`<${part.added ? "ins" : part.removed ? "del" : "span"} key=${i}>${part.value}<//>`)}</p>`;
}
