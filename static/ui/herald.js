/**
 * Tells that a person is needed: aloud, in the title, on the icon of the tab and of the app.
 * @import { CheckpointView } from "../client/types.js"
 * @import { Place } from "./router.js"
 */
import { useEffect, useRef } from "react";
import { useApprovals, useClient, useSelection } from "../client/react.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";
import { setting } from "./storage.js";

/** The tab's icon while a person is needed, and the one of the page itself. */
const WAITING = new URL("./icons/waiting.svg", import.meta.url).href;
/** @type {string | undefined} */ let calm;

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
    calm ??= link?.href;
    if (link && calm) link.href = n ? WAITING : calm;
    navigator.setAppBadge?.(n)?.catch(() => undefined); // no app, no badge: the title has it
  }, [n]);
  useNotices(waiting);
  const newest = [...waiting].sort((a, b) => b.opened_at.localeCompare(a.opened_at))[0];
  return html`<p class="vh" role="alert">${newest && t("thread.asks", { title: newest.title })}</p>`;
}

/** Has the desktop tell of questions that come while nobody sees the page, where a person wants that. @param {readonly CheckpointView[]} waiting */
function useNotices(waiting) {
  const client = useClient();
  const since = useRef(client.now());
  useEffect(() => {
    if (setting("notices") !== "on") return;
    const fresh = document.hidden ? waiting.filter((c) => Date.parse(c.opened_at) > since.current) : [];
    since.current = Math.max(since.current, ...waiting.map((c) => Date.parse(c.opened_at)));
    const titleOf = (/** @type {CheckpointView} */ c) => client.getState().summaries[c.execution]?.title;
    import("./notify.js").then(({ notify, takeBack }) => (notify(fresh, titleOf), takeBack(waiting)), () => undefined);
  }, [waiting]);
}
