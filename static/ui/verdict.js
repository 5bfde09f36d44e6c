/**
 * What was decided, in a sentence.
 * @import { Checkpoint, Actor } from "../client/protocol.js"
 */
import { chosen } from "./actions.js";
import { t, tOr } from "./i18n/index.js";
import { nameOf } from "./people.js";

/**
 * @param {Checkpoint | undefined} c where it is known
 * @param {{ action: string, title: string, by?: Actor | null | undefined }} decision
 * @param {boolean} own whether it went out from this tab
 */
export function verdictOf(c, { action, title, by }, own) {
  const values = { who: nameOf(by, own), title, action: chosen(c, action) };
  const usual = tOr(`decided.${action}`, t("decided.other", values), values);
  return tOr(`decided.${c?.kind}.${action}`, usual, values);
}
