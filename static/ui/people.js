/**
 * Names of people, as the page calls them.
 * @import { Actor } from "../client/protocol.js"
 */
import { t } from "./i18n/index.js";
import { ifAllowed } from "./storage.js";

const KEY = "quarterdeck.mine";
/** Who this page speaks for, when the server said so. @type {Actor | undefined} */ let me;
/** An open server gives everybody the same name, so that it tells nobody from anybody. */ let isOpen = false;
/** Decisions that went out from this tab: servers that know no names still let it say “You”. @type {Set<string> | undefined} */
let mine;

/** @returns {Set<string>} */
const claims = () => (mine ??= new Set(JSON.parse(ifAllowed(() => sessionStorage.getItem(KEY)) ?? "[]")));
const keep = () => ifAllowed(() => sessionStorage.setItem(KEY, JSON.stringify([...claims()])));

/** @param {{ auth: string, principal?: Actor | null | undefined }} welcome */
export const setMe = ({ auth, principal }) => {
  me = principal ?? undefined;
  isOpen = auth === "open";
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

/**
 * “You”, a name, or “Somebody” where the server does not tell people apart.
 * @param {Actor | null | undefined} person
 * @param {boolean} [own]
 */
export function nameOf(person, own = false) {
  if (own || (!isOpen && me && person?.id === me.id)) return t("thread.you");
  return (!isOpen && person?.name) || t("thread.someone");
}
