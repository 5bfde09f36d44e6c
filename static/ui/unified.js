import { html } from "./html.js";

/** A unified diff as the server writes it. @param {{ text: string }} props */
export default function UnifiedDiff({ text }) {
  const lines = text.split("\n").filter((line) => !/^(---|\+\+\+|@@)/.test(line));
  return html`<div class="diff unified">${lines.map((line, i) => {
    const tag = line.startsWith("+") ? "ins" : line.startsWith("-") ? "del" : "span";
    return html`<${tag} key=${i}>${line.slice(1) || " "}<//>`;
  })}</div>`;
}
