/** The one connection of the page, and the token that a person gave it: kept for as long as this tab is open. */
import { createClient } from "../client/index.js";
import { ifAllowed } from "./storage.js";

const PLACE = "quarterdeck.token";
let token = ifAllowed(() => globalThis.sessionStorage?.getItem(PLACE)) ?? "";

export const client = createClient({
  url: new URL("../../ws", import.meta.url).href.replace(/^http/, "ws").replace(/\?.*$/, ""),
  token: () => token,
});

/** The token that was given, if one was. */
export const given = () => token;

/** Tries again with a token. @param {string} next */
export function signIn(next) {
  token = next.trim();
  ifAllowed(() => sessionStorage.setItem(PLACE, token));
  client.retryNow();
}

/** Forgets the token, and everything that was shown with it. */
export function signOut() {
  ifAllowed(() => sessionStorage.removeItem(PLACE));
  location.reload();
}
