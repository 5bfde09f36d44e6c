/**
 * Tells that a person is needed: aloud, in the title, on the icon of the tab and of the app.
 * @import { Place } from "./router.js"
 */
import { useEffect } from "react";
import { useMyApprovals, useSelection } from "../client/react.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";
import { setting } from "./storage.js";

/** The tab's icon while a person is needed, and the one of the page itself. */
const WAITING = new URL("./icons/waiting.svg", import.meta.url).href;
/** @type {string | undefined} */ let calm;

/** @param {{ place: Place }} props */
export function Herald({ place }) {
  const waiting = useMyApprovals();
  const run = useSelection((state) => (place.execution ? state.executions[place.execution]?.title : undefined));
  const n = waiting.length;
  useEffect(() => {
    document.title = `${n ? `(${n}) ` : ""}${run ? `${run} · ` : ""}Quarterdeck`;
  }, [n, run]);
  useEffect(() => {
    const link = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel=icon]"));
    calm ??= link?.href;
    if (link && calm) link.href = n ? WAITING : calm;
    navigator.setAppBadge?.(n)?.catch(() => undefined); // no app, no badge: the title has it
  }, [n]);
  useEffect(() => {
    const unseen = document.hidden; // now, and not when the module is there
    if (setting("notices") === "on") import("./notify.js").then(({ heed }) => heed(waiting, unseen), () => undefined);
  }, [waiting]);
  const newest = [...waiting].sort((a, b) => b.opened_at.localeCompare(a.opened_at))[0];
  return html`<p class="vh" role="alert">${newest && t("thread.asks", { title: newest.title })}</p>`;
}
