/** Parts of the page that come when they are first needed. The server preloads those that an address needs at once. */
import { lazy } from "react";
import { html } from "./html.js";
import { t } from "./i18n/index.js";

/**
 * A component whose module comes when it is first shown. Show it inside a `Suspense`.
 * @param {() => Promise<{ default: (props: any) => any }>} load
 */
export const later = (load) => lazy(() => load().catch(() => ({ default: Missing })));

/** The server is away, or newer than this page: what was typed is kept, so that loading again is harmless. */
const Missing = () =>
  html`<p class="banner" role="alert">${t("app.missing")} <button type="button" class="small" onClick=${() => location.reload()}>${t("app.reload")}</button></p>`;

/**
 * Gets modules before they are needed: with the first key or press of a person, who will want them soon.
 * @param {readonly (() => Promise<unknown>)[]} loads
 */
export function warmUp(loads) {
  const once = new AbortController();
  const warm = () => {
    once.abort();
    for (const load of loads) load().catch(() => undefined); // what is missing is told when it is shown
  };
  for (const type of ["keydown", "pointerdown", "pointerover"])
    addEventListener(type, warm, { passive: true, signal: once.signal });
}
