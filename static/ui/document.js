/** A text that an agent wrote, folded when it is long; and taking texts along. */
import { useLayoutEffect, useRef, useState } from "react";
import { html } from "./html.js";
import { t } from "./i18n/index.js";
import { Markdown } from "./markdown.js";

/** Longer texts are folded, in pixels: about 24 lines. */
const FOLD = 640;

/** @param {{ text: string, level?: number, language?: string | null | undefined, foldable?: boolean }} props */
export function Document({ text, level = 3, language, foldable = false }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [isLong, setLong] = useState(false),
    [open, setOpen] = useState(false);
  useLayoutEffect(() => {
    setLong(foldable && (box.current?.scrollHeight ?? 0) > FOLD * 1.2);
  }, [text, foldable]);
  return html`<article class="doc" ref=${box} lang=${language ?? undefined} data-folded=${isLong && !open ? "" : undefined}><${Markdown} text=${text} level=${level} /></article>
    ${isLong && html`<button type="button" class="quiet" aria-expanded=${open} onClick=${() => setOpen(!open)}>${t(open ? "thread.less" : "thread.all")}</button>`}`;
}

/** Copies a text. The clipboard API is missing on plain http, where a team on a LAN runs this. @param {string} text */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "vh";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** A button that copies, and says so. @param {{ text: string, label: string, class?: string }} props */
export function CopyButton({ text, label, class: className = "small" }) {
  const [done, setDone] = useState(false);
  const click = async () => {
    await copy(text);
    setDone(true);
    setTimeout(setDone, 2000, false);
  };
  return html`<button type="button" class=${className} onClick=${click}><span role="status">${done ? t("result.copied") : label}</span></button>`;
}

/** Saves a text as a file. @param {string} name @param {string} text @param {string} [type] */
export const download = (name, text, type = "text/markdown") => save(name, new Blob([text], { type: `${type};charset=utf-8` }));

/** Saves a file. @param {string} name @param {Blob} content */
export function save(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
