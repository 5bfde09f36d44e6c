/**
 * What a card's elements need to be usable by everybody: names, states, keys. Pure: it makes props, the user the markup.
 * @import { KeyboardEvent } from "react"
 * @import { Action } from "../../client/protocol.js"
 * @import { CheckpointState } from "./use-checkpoint.js"
 */

/** Letters that answer while the focus is in the card and not in a field. @type {Readonly<Record<string, string>>} */
export const KEYS = { approve: "a", edit: "e", revise: "r", reject: "r", skip: "s", stop: "x" };
const FIELDS = "input, textarea, select, [contenteditable]";

/** @typedef {{ target: { value: string } }} Changed */

/**
 * @param {CheckpointState} state
 * @param {object} card
 * @param {string} card.id begins the ids of its elements
 * @param {boolean} card.keys
 * @param {string | null} card.asked the action that waits to be confirmed
 * @param {(action: string | null) => void} card.ask
 * @param {(action: string) => void} card.notify
 */
export function propsOf(state, { id, keys, asked, ask, notify }) {
  const { checkpoint, phase, error } = state;
  const isBlocked = !state.mayDecide || state.isInert || (phase !== "open" && phase !== "stale" && phase !== "offline");
  const letter = (/** @type {Action} */ action) => (keys ? KEYS[action.id] : undefined);

  /** @param {Action} action */
  function press(action) {
    if (isBlocked) return;
    if (action.confirm && asked !== action.id) return ask(action.id);
    ask(null);
    notify(action.id);
    return state.decide(action.id);
  }

  return {
    getRootProps: () => ({
      role: "group",
      "aria-labelledby": `${id}title`,
      "aria-busy": phase === "sending",
      "data-phase": phase,
      tabIndex: -1,
      onKeyDown(/** @type {KeyboardEvent<HTMLElement>} */ e) {
        if (e.key === "Escape" && asked) return ask(null);
        if (e.altKey || e.ctrlKey || e.metaKey || (e.target instanceof Element && e.target.closest(FIELDS))) return;
        const action = checkpoint.actions.find((a) => letter(a) === e.key.toLowerCase());
        if (action && !e.repeat) press(action);
      },
    }),
    getTitleProps: () => ({ id: `${id}title` }),
    /** @param {Action} action */
    getActionProps: (action) => ({
      type: /** @type {const} */ ("button"),
      "data-action": action.id,
      "aria-disabled": isBlocked,
      "aria-keyshortcuts": letter(action)?.toUpperCase(),
      onClick: () => void press(action),
    }),
    getEditorProps: () => ({
      "aria-label": checkpoint.title,
      value: state.draft,
      readOnly: !state.mayDecide || !state.isEditable || phase === "sending",
      ...(checkpoint.draft.language && { lang: checkpoint.draft.language }),
      onChange: (/** @type {Changed} */ e) => state.edit(e.target.value),
    }),
    getNoteProps: () => ({
      id: `${id}note`,
      value: state.note,
      readOnly: !state.mayDecide || phase === "sending",
      "aria-invalid": error?.code === "needs_feedback",
      "aria-describedby": error ? `${id}error` : undefined,
      onChange: (/** @type {Changed} */ e) => state.setNote(e.target.value),
    }),
    getNoteLabelProps: () => ({ htmlFor: `${id}note` }),
    getErrorProps: () => ({ id: `${id}error`, role: /** @type {const} */ ("alert") }),
  };
}
