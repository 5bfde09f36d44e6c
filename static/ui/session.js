/** The page's one connection, and the token that a person gave it: kept as long as this tab is open. */
import { createClient } from "../client/index.js";
import { ifAllowed } from "./storage.js";

const PLACE = "quarterdeck.token";
/** @type {string | undefined} */ let token;

export const client = createClient({
  url: new URL("../../ws", import.meta.url).href.replace(/^http/, "ws").replace(/\?.*$/, ""),
  token: given,
});

/** The token, if one was given. */
export function given() {
  return (token ??= ifAllowed(() => sessionStorage.getItem(PLACE)) ?? "");
}

/** Tries again with a token. @param {string} next */
export function signIn(next) {
  token = next.trim();
  ifAllowed(() => sessionStorage.setItem(PLACE, given()));
  client.retryNow();
}

/** Forgets the token, and all that it showed. */
export function signOut() {
  ifAllowed(() => sessionStorage.removeItem(PLACE));
  location.reload();
}
