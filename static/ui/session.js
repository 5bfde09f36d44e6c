/** The one connection of the page, and the token for it: kept while this tab is open. */
import { createClient } from "../client/index.js";
import { ifAllowed } from "./storage.js";

const PLACE = "quarterdeck.token";
/** @type {string | undefined} */ let token;

/** The token, or "". */
export const given = () => (token ??= ifAllowed(() => sessionStorage.getItem(PLACE)) ?? "");

export const client = createClient({
  url: new URL("../../ws", import.meta.url).href.replace(/^http/, "ws").replace(/\?.*$/, ""),
  token: given,
});

/** Tries again with a token. @param {string} next */
export function signIn(next) {
  const kept = (token = next.trim());
  ifAllowed(() => sessionStorage.setItem(PLACE, kept));
  client.retryNow();
}

export function signOut() {
  ifAllowed(() => sessionStorage.removeItem(PLACE));
  location.reload();
}
