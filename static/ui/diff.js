/** A word diff, told by underline and strike as well as by colour. */
import { diffWordsWithSpace } from "diff";
import { useMemo } from "react";
import { html } from "./html.js";

/** @param {{ from: string, to: string }} props */
export function Diff({ from, to }) {
  const parts = useMemo(() => diffWordsWithSpace(from, to), [from, to]);
  return html`<p class="diff">${parts.map((part, i) => html`<${part.added ? "ins" : part.removed ? "del" : "span"} key=${i}>${part.value}<//>`)}</p>`;
}

/** A unified diff as the server writes it. @param {{ text: string }} props */
export function UnifiedDiff({ text }) {
  const lines = text.split("\n").filter((line) => !/^(---|\+\+\+|@@)/.test(line));
  return html`<div class="diff unified">${lines.map((line, i) => {
    const tag = line.startsWith("+") ? "ins" : line.startsWith("-") ? "del" : "span";
    return html`<${tag} key=${i}>${line.slice(1) || " "}<//>`;
  })}</div>`;
}
