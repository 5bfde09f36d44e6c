/**
 * Names of people, as the page calls them.
 * @import { Actor } from "../client/protocol.js"
 */
import { t } from "./i18n/index.js";

/** Who this page speaks for, when the server said so. @type {Actor | undefined} */ let me;
/** Decisions that went out from this page: servers that know no names still let it say “You”. @type {Set<string>} */
const mine = new Set();

/** @param {Actor | null | undefined} person */
export const setMe = (person) => {
  me = person ?? undefined;
};

/**
 * Notes that a decision goes out from here; the returned function takes that back.
 * @param {string} checkpoint
 * @param {number} version
 */
export function claim(checkpoint, version) {
  const key = `${checkpoint}:${version}`;
  mine.add(key);
  return () => void mine.delete(key);
}

/** @param {string} checkpoint @param {number} version */
export const isClaimed = (checkpoint, version) => mine.has(`${checkpoint}:${version}`);

/**
 * “You”, a name, or “Somebody” where the server does not tell people apart.
 * @param {Actor | null | undefined} person
 * @param {boolean} [own]
 */
export const nameOf = (person, own = false) =>
  own || (me && person?.id === me.id) ? t("thread.you") : person?.name || t("thread.someone");
