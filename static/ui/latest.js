/**
 * The way to the newest text of a run at work.
 * @import { ExecutionView } from "../client/types.js"
 */
import { useLayoutEffect, useRef, useState } from "react";
import { html } from "./html.js";
import { t } from "./i18n/index.js";

/**
 * Stays at the newest text while the reader is there, and never pulls a reader back.
 * @param {{ run: ExecutionView, catching: boolean }} props
 */
export function Latest({ run, catching }) {
  const end = useRef(/** @type {HTMLElement | null} */ (null));
  const atEnd = useRef(/** @type {boolean | undefined} */ (undefined));
  const [behind, setBehind] = useState(false);
  const live = useRef(true);
  live.current = !run.endedAt;
  useLayoutEffect(() => {
    const scroller = sheetOf(end.current),
      thread = scroller?.querySelector(".thread");
    if (!scroller || !thread) return undefined;
    const look = () => {
      atEnd.current = isAtEnd(scroller);
      if (atEnd.current) setBehind(false);
    };
    const grown = new ResizeObserver(() => {
      if (live.current && atEnd.current) scroller.scrollTop = scroller.scrollHeight;
    });
    grown.observe(thread);
    scroller.addEventListener("scroll", look, { passive: true });
    return () => {
      grown.disconnect();
      scroller.removeEventListener("scroll", look);
    };
  }, []);
  useLayoutEffect(() => {
    const scroller = sheetOf(end.current);
    if (!scroller || run.endedAt) return;
    if (catching || atEnd.current === undefined)
      atEnd.current = isAtEnd(scroller); // a run that was opened starts at its top
    else if (!atEnd.current) setBehind(true);
  }, [run.items, run.streams, catching]);
  const jump = () => {
    const scroller = sheetOf(end.current);
    if (scroller) scroller.scrollTop = scroller.scrollHeight;
  };
  return html`<div class="follow" ref=${end}>${behind && !run.endedAt && html`<button type="button" onClick=${jump}>${t("run.latest")} ↓</button>`}</div>`;
}

/** What scrolls around an element. @param {HTMLElement | null} element @returns {HTMLElement | null | undefined} */
const sheetOf = (element) => element?.closest(".sheet");

/** @param {HTMLElement} scroller */
const isAtEnd = (scroller) => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
