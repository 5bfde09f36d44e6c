"use client";
/**
 * A question to people, as assistant-ui shows tool calls.
 * @import { ToolCallMessagePartProps } from "@assistant-ui/react"
 * @import { Action } from "../../client/protocol.js"
 */
import { makeAssistantToolUI } from "@assistant-ui/react";
import { createElement as h, useId, useState } from "react";
import { useSettled } from "../react/settled.js";
import { TOOL } from "./messages.js";

/**
 * @typedef {object} Asked
 * @property {string} checkpoint
 * @property {number} version
 * @property {string} title
 * @property {string} [description]
 * @property {string} [draft]
 * @property {readonly Action[]} [actions]
 */
/** @typedef {{ action: string, by?: string | null, feedback?: string | null }} Answer */

/** Put this once beside the thread: it shows each checkpoint as a card that can be answered. */
export const CheckpointToolUI = makeAssistantToolUI({
  toolName: TOOL,
  render: (/** @type {ToolCallMessagePartProps<any, any>} */ { args, result, addResult }) =>
    h(Card, { asked: args, result, answer: addResult }),
});

/** @param {{ asked: Asked, result: Answer | undefined, answer: (answer: Answer) => void }} props */
function Card({ asked, result, answer }) {
  const id = useId(),
    isSettled = useSettled(`${asked.checkpoint} ${asked.version}`);
  const [note, setNote] = useState(""),
    [missing, setMissing] = useState(false);
  if (result) return h("p", { className: "qd-verdict" }, `${asked.title}: ${verdict(result)}`);
  const press = (/** @type {Action} */ { id: action, needs_feedback }) => {
    const said = note.trim();
    const lacks = !said && (Boolean(needs_feedback) || action === "respond");
    setMissing(lacks);
    if (!isSettled || lacks) return;
    if (action === "respond") answer(/** @type {Answer} */ ({ action, response: said }));
    else answer({ action, ...(said && { feedback: said }) });
  };
  return h(
    "section",
    { className: "qd-checkpoint", "aria-labelledby": `${id}title` },
    h("h3", { id: `${id}title` }, asked.title),
    asked.description && h("p", null, asked.description),
    h("pre", { tabIndex: 0 }, asked.draft),
    h("label", { htmlFor: `${id}note` }, "Note"),
    h("textarea", {
      id: `${id}note`,
      value: note,
      "aria-invalid": missing,
      onChange: (/** @type {{ target: { value: string } }} */ e) => setNote(e.target.value),
    }),
    missing && h("p", { role: "alert" }, "Write a note first"),
    (asked.actions ?? [])
      .filter((action) => action.id !== "edit")
      .map((action) =>
        h(
          "button",
          {
            key: action.id,
            type: "button",
            "data-action": action.id,
            "aria-disabled": !isSettled,
            onClick: () => press(action),
          },
          action.label,
        ),
      ),
  );
}

/** @param {Answer} answer */
const verdict = ({ action, by, feedback }) => `${action}${by ? `, ${by}` : ""}${feedback ? `: ${feedback}` : ""}`;
