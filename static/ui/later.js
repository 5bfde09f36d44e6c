/** Parts of the page that come when they are first needed. The server names in advance those that an address needs at once. */
import { lazy } from "react";
import { html } from "./html.js";
import { t } from "./i18n/index.js";

/**
 * A component whose module and style sheets come when it is first shown, or asked for by its `load`. Show it inside a
 * `Suspense`.
 * @param {() => Promise<{ default: (props: any) => any }>} load
 * @param {readonly string[]} [sheets]
 */
export function later(load, sheets = []) {
  const dressed = () => Promise.all([load(), ...sheets.map(sheet)]).then(([part]) => part);
  return Object.assign(lazy(() => dressed().catch(() => ({ default: Missing }))), { load: dressed });
}

/** The server is away, or newer than this page: what was typed is kept, so that loading again is harmless. */
const Missing = () =>
  html`<p class="banner" role="alert">${t("app.missing")} <button type="button" class="small" onClick=${() => location.reload()}>${t("app.reload")}</button></p>`;

/** Grey bars where a part will stand. */
export const Skeleton = () =>
  html`<div class="skeleton" role="status"><span class="vh">${t("run.loading")}</span><i></i><i></i><i></i></div>`;

/** Puts a style sheet into the page, unless one there holds it; resolves when it is there, or cannot be had. @param {string} name */
function sheet(name) {
  if (document.querySelector(`link[href*="/ui/${name}.css"], link[data-holds~="${name}"]`)) return undefined;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(`./${name}.css`, import.meta.url).href.replace(/\?.*$/, "");
  return new Promise((done) => {
    for (const end of ["load", "error"]) link.addEventListener(end, done, { once: true });
    document.head.append(link);
  });
}

/**
 * Gets parts before they are needed: with the first key or press of a person, who will want them soon.
 * @param {readonly { load: () => Promise<unknown> }[]} parts
 */
export function warmUp(parts) {
  const once = new AbortController();
  const warm = () => {
    once.abort();
    for (const { load } of parts) load().catch(() => undefined); // what is missing is told when it is shown
  };
  for (const type of ["keydown", "pointerdown", "pointerover"])
    addEventListener(type, warm, { passive: true, signal: once.signal });
}
