/**
 * The client of pages that have no provider: made once, when it is first needed.
 * @import { Client } from "../client/index.js"
 */
import { createClient } from "../client/index.js";

/** @type {Client | undefined} */ let shared;

/** The page's one client; it connects to `NEXT_PUBLIC_QUARTERDECK_URL`, else to the host of the page. */
export function sharedClient() {
  shared ??= createClient({ url: () => addressOf(configured(), globalThis.location?.href) });
  return shared;
}

/** Bundlers put the value in place of this very expression; in a browser nothing else is called `process`. */
function configured() {
  try {
    return process.env.NEXT_PUBLIC_QUARTERDECK_URL;
  } catch {
    return undefined;
  }
}

/**
 * The address of the socket. `http://host/path` means the server there: its socket is at `/path/ws`.
 * @param {string | undefined} given
 * @param {string | undefined} page the address of the page
 */
export function addressOf(given, page) {
  if (!given && !page) throw new Error("Nobody said where the server is: set NEXT_PUBLIC_QUARTERDECK_URL");
  const url = new URL(given || "/", page);
  if (url.protocol === "ws:" || url.protocol === "wss:") return url.href;
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = url.hash = "";
  url.pathname = `${url.pathname.replace(/\/+$/, "").replace(/\/ws$/, "")}/ws`;
  return url.href;
}
