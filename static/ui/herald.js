/**
 * Tells that a person is needed: aloud, in the title, on the icon of the tab and of the app.
 * @import { Place } from "./router.js"
 */
import { useEffect } from "react";
import { useApprovals, useSelection } from "../client/react.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";

/** @param {string} name */
const icon = (name) => new URL(`./icons/${name}.svg`, import.meta.url).href;

/** @param {{ place: Place }} props */
export function Herald({ place }) {
  const waiting = useApprovals();
  const run = useSelection((state) => (place.execution ? state.executions[place.execution]?.title : undefined));
  const n = waiting.length;
  useEffect(() => {
    document.title = `${n ? `(${n}) ` : ""}${run ? `${run} · ` : ""}Quarterdeck`;
  }, [n, run]);
  useEffect(() => {
    const link = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel=icon]"));
    if (link) link.href = icon(n ? "waiting" : "favicon");
    navigator.setAppBadge?.(n)?.catch(() => undefined); // no app, no badge: the title has it
  }, [n]);
  const newest = [...waiting].sort((a, b) => b.opened_at.localeCompare(a.opened_at))[0];
  return html`<p class="vh" role="alert">${newest && t("thread.asks", { title: newest.title })}</p>`;
}
