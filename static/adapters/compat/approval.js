"use client";
/**
 * The approval card of the polling front end: a form with four buttons, for any checkpoint of that shape.
 * @import { ReactElement } from "react"
 * @import { Action, CheckpointInfo } from "./types.js"
 */
import { createElement as h, useEffect, useId, useRef, useState } from "react";
import { useSettled } from "../react/settled.js";

const LABELS = {
  continue: "Continue",
  revise: "Revise",
  skip: "Skip",
  stop: "Stop",
  feedback: "Feedback",
  missing: "Say what should change",
  sending: "Sending…",
};
const ACTIONS = /** @type {const} */ (["continue", "revise", "skip", "stop"]);

/**
 * Shows what is asked, and tells `onSubmit` the answer: never in the first half second, never while `loading`.
 * It brings no style of its own; class names begin with `qd-`.
 * @param {object} props
 * @param {CheckpointInfo} props.checkpoint
 * @param {(action: Action, feedback?: string) => void} props.onSubmit
 * @param {boolean} props.loading
 * @param {Partial<typeof LABELS>} [props.labels] words in another language
 * @returns {ReactElement}
 */
export function CheckpointApproval({ checkpoint, onSubmit, loading, labels = {} }) {
  const words = { ...LABELS, ...labels },
    id = useId();
  const [feedback, setFeedback] = useState(""),
    [missing, setMissing] = useState(false);
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null)),
    isSent = useRef(false);
  const question = `${checkpoint.checkpoint_id} ${checkpoint.created_at}`,
    settled = useSettled(question),
    inert = loading || !settled;
  useEffect(() => {
    if (isSent.current) setFeedback(""); // words that were sent go with their question; unsent ones stay
    isSent.current = false;
  }, [question]);
  const submit = (/** @type {Action} */ action) => {
    const said = feedback.trim();
    if (inert) return;
    setMissing(action === "revise" && !said);
    if (action === "revise" && !said) return field.current?.focus();
    isSent.current = true;
    if (said) onSubmit(action, said);
    else onSubmit(action);
  };
  return h(
    "section",
    { className: "qd-checkpoint", "aria-labelledby": `${id}title`, "aria-busy": loading },
    h("h2", { id: `${id}title` }, checkpoint.description || checkpoint.checkpoint_name),
    h(Context, { context: checkpoint.context }),
    h("label", { htmlFor: `${id}feedback` }, words.feedback),
    h("textarea", {
      id: `${id}feedback`,
      ref: field,
      value: feedback,
      "aria-invalid": missing,
      "aria-describedby": missing ? `${id}missing` : undefined,
      onChange: (/** @type {{ target: { value: string } }} */ e) => setFeedback(e.target.value),
    }),
    missing && h("p", { id: `${id}missing`, role: "alert" }, words.missing),
    h(
      "div",
      { className: "qd-actions" },
      offered(checkpoint).map((action) =>
        h(
          "button",
          { key: action, type: "button", className: `qd-${action}`, "aria-disabled": inert, onClick: () => submit(action) },
          words[action],
        ),
      ),
    ),
    h("p", { role: "status" }, loading ? words.sending : ""),
  );
}

/** What may be answered: all, where the checkpoint does not say. @param {CheckpointInfo} checkpoint */
function offered({ context }) {
  const actions = /** @type {unknown} */ (context["actions"]);
  return Array.isArray(actions) ? ACTIONS.filter((action) => actions.includes(action)) : ACTIONS;
}

/** The text that is asked about, then what else is known. @param {{ context: Record<string, any> }} props */
function Context({ context }) {
  const { draft, result_preview, actions: _, status: __, ...facts } = context;
  const shown = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null);
  return h(
    "div",
    { className: "qd-context" },
    h("pre", { tabIndex: 0 }, String(draft ?? result_preview ?? "")),
    h(
      "dl",
      null,
      shown.map(([name, value]) => [
        h("dt", { key: `${name} name` }, name.replaceAll("_", " ")),
        h("dd", { key: name }, typeof value === "object" ? JSON.stringify(value) : String(value)),
      ]),
    ),
  );
}
