/**
 * Names of people, as the page calls them.
 * @import { Actor } from "../client/protocol.js"
 * @import { Self } from "../client/types.js"
 */
import { useSyncExternalStore } from "react";
import { t } from "./i18n/index.js";
import { makeListeners } from "./listeners.js";
import { client } from "./session.js";
import { ifAllowed } from "./storage.js";

const KEY = "quarterdeck.mine";
/** Decisions that went out from this tab: servers that know no names still let it say “You”. @type {Set<string> | undefined} */
let mine;

const { listen, tell } = makeListeners();

/** @returns {Set<string>} */
const claims = () => (mine ??= new Set(JSON.parse(ifAllowed(() => sessionStorage.getItem(KEY)) ?? "[]")));
const keep = () => {
  ifAllowed(() => sessionStorage.setItem(KEY, JSON.stringify([...claims()])));
  tell();
};

/**
 * Notes that a decision goes out from here; the returned function takes that back.
 * @param {string} checkpoint
 * @param {number} version
 */
export function claim(checkpoint, version) {
  const key = `${checkpoint}:${version}`;
  claims().add(key);
  keep();
  return () => {
    claims().delete(key);
    keep();
  };
}

/** @param {string} checkpoint @param {number} version */
export const isClaimed = (checkpoint, version) => claims().has(`${checkpoint}:${version}`);

/** The same, for what is on the page before the server has said that it went out from here. @param {string} what */
export const useClaimed = (what) =>
  useSyncExternalStore(
    listen,
    () => isClaimed(what, 0),
    () => false,
  );

/**
 * “You”, a name, or “Somebody” where the server does not tell people apart: an open one calls everybody the same.
 * @param {Actor | null | undefined} person
 * @param {boolean} [own]
 * @param {Self} [self]
 */
export function nameOf(person, own = false, { person: me, isOpen } = client.getState().self) {
  if (own || (!isOpen && me && person?.id === me.id)) return t("thread.you");
  return (!isOpen && person?.name) || t("thread.someone");
}
