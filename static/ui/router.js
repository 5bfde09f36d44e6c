/**
 * Real paths: `/`, `/x/{execution}`, `/x/{execution}/c/{checkpoint}`. They survive a login redirect and a link in a chat.
 * @typedef {{ execution?: string, checkpoint?: string }} Place
 */
import { useSyncExternalStore } from "react";
import { html } from "./html.js";

/** Where this page is mounted, without a slash at the end: this module lies at `{root}/static/ui/router.js`. */
export const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** @param {string} path @returns {Place} */
export function parse(path) {
  const found = /^\/x\/([^/]+)(?:\/c\/([^/]+))?\/?$/.exec(path.startsWith(ROOT) ? path.slice(ROOT.length) : path);
  return {
    ...(found?.[1] && { execution: decoded(found[1]) }),
    ...(found?.[2] && { checkpoint: decoded(found[2]) }),
  };
}

/** A part of an address; what was cut in the middle of a letter stays as it is, and is not found. @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {Place} place */
export const pathOf = ({ execution, checkpoint }) =>
  ROOT +
  (execution ? `/x/${encodeURIComponent(execution)}${checkpoint ? `/c/${encodeURIComponent(checkpoint)}` : ""}` : "/");

let moved = false;
/** Whether a person went from one place to another since the page was loaded. */
export const hasMoved = () => moved;

/** Goes to a place without loading the page again. @param {Place} place @param {{ replace?: boolean }} [how] */
export function go(place, { replace = false } = {}) {
  const path = pathOf(place);
  if (path === location.pathname) return;
  moved = true;
  history[replace ? "replaceState" : "pushState"](null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}

/** How to go on from this place with what is on its way: unless the person has gone elsewhere meanwhile. */
export function fromHere() {
  const here = location.pathname;
  return (/** @type {Place} */ place) => {
    if (location.pathname === here) go(place);
  };
}

/** @param {() => void} changed */
function listen(changed) {
  addEventListener("popstate", changed);
  return () => removeEventListener("popstate", changed);
}

/** The place that the address bar names. */
export const placeNow = () => parse(location.pathname);
/** The same; the component renders again when it changes. @returns {Place} */
export const usePlace = () =>
  parse(
    useSyncExternalStore(
      listen,
      () => location.pathname,
      () => "/",
    ),
  );

/**
 * A link inside the page; with a modifier key it does what the browser does.
 * @param {{ to: Place, children?: unknown, [attribute: string]: unknown }} props
 */
export function Link({ to, children, ...rest }) {
  const click = (/** @type {MouseEvent} */ e) => {
    if (e.metaKey || e.ctrlKey || e.shiftKey || e.altKey || e.button !== 0) return;
    e.preventDefault();
    go(to);
  };
  return html`<a ...${rest} href=${pathOf(to)} onClick=${click}>${children}</a>`;
}
