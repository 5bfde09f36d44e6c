/**
 * Notices of the desktop: that a question came while nobody saw the page. A person switches them on; nothing asks before.
 * @import { CheckpointView } from "../client/types.js"
 */
import { useState } from "react";
import { useConnection } from "../client/react.js";
import { html } from "./html.js";
import "./i18n/run.js";
import { t } from "./i18n/index.js";
import { go } from "./router.js";
import { client } from "./session.js";
import { keepSetting, setting } from "./storage.js";

/** Those that are shown, by their question. @type {Map<string, Notification>} */ const shown = new Map();

/** Browsers have them on https and on this machine, and not where they were forbidden; those of phones for installed apps only. */
export const canNotify = () =>
  Boolean(globalThis.Notification) && Notification.permission !== "denied" && !matchMedia("(any-hover: none)").matches;
export const areNoticesOn = () => setting("notices") === "on" && canNotify() && Notification.permission === "granted";

/** Switches them; the browser asks the person the first time. @param {boolean} on @returns {Promise<boolean>} whether they are on */
export async function switchNotices(on) {
  const allowed = on && (await Notification.requestPermission()) === "granted";
  keepSetting("notices", allowed ? "on" : "off");
  return allowed;
}

/** When the page began to heed, on this machine's clock: what the server's is, it tells only later. */ const began = Date.now();
/** When the newest question came that was heeded, on the server's. */ let newest = 0;

/**
 * Tells of what came since the last time, if nobody sees the page, and takes back what waits no longer.
 * @param {readonly CheckpointView[]} waiting
 * @param {boolean} unseen
 */
export function heed(waiting, unseen) {
  const since = Math.max(newest, began + client.now() - Date.now());
  const fresh = waiting.filter((c) => Date.parse(c.opened_at) > since);
  newest = Math.max(newest, ...fresh.map((c) => Date.parse(c.opened_at)));
  if (unseen && areNoticesOn()) notify(fresh);
  takeBack(waiting);
}

/** Shows one notice for each question, however many tabs are open. @param {readonly CheckpointView[]} fresh */
function notify(fresh) {
  for (const c of fresh) {
    const notice = show(c, client.getState().summaries[c.execution]?.title);
    if (!notice) return;
    shown.set(c.id, notice);
    notice.onclick = () => {
      window.focus();
      go({ execution: c.execution, checkpoint: c.id });
      notice.close();
    };
  }
}

/** @param {CheckpointView} c @param {string | undefined} run */
function show(c, run) {
  try {
    return new Notification(t("thread.asks", { title: c.title }), { body: run ?? "", tag: c.id, lang: document.documentElement.lang });
  } catch {
    return undefined; // some phones tell of a mouse that nobody has
  }
}

/** Takes back the notices of questions that wait no longer. @param {readonly CheckpointView[]} waiting */
function takeBack(waiting) {
  for (const [id, notice] of shown)
    if (!waiting.some((c) => c.id === id)) {
      notice.close();
      shown.delete(id);
    }
}

/** Offers them once: to be shown when a person has decided something and knows what they are for. */
export default function Offer() {
  const { phase } = useConnection(),
    [asks, ask] = useState(() => canNotify() && setting("notices") === null);
  const choose = async (/** @type {boolean} */ on) => {
    await switchNotices(on);
    ask(false);
  };
  if (!asks || phase !== "open") return null; // one banner at a time
  return html`<section class="banner offer" data-testid="notices" aria-label=${t("notices.title")}><p>${t("notices.ask")}</p>
    <button type="button" class="small" data-testid="notices-on" onClick=${() => choose(true)}>${t("notices.on")}</button><button type="button" class="quiet" data-testid="notices-off" onClick=${() => choose(false)}>${t("notices.off")}</button></section>`;
}
