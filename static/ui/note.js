/**
 * What a person says at a question: to the crew with the answer, or to the others who look at it.
 * @import { CheckpointView } from "../client/types.js"
 */
import { useState } from "react";
import { useClient } from "../client/react.js";
import { asksAnswer, formOf } from "./answer.js";
import { isBefore } from "./draft.js";
import { html } from "./html.js";
import { t, tOr } from "./i18n/index.js";
import { claim } from "./people.js";
import { dropNote } from "./words.js";

/**
 * @param {{ checkpoint: CheckpointView, box: unknown, text: string, wrong: boolean, change: (part: { note: string }) => void, comments: boolean }} props
 * `comments`: the words may go to everybody who looks, without an answer
 */
export function Note({ checkpoint: c, box, text, wrong, change, comments }) {
  const kind = noteOf(c);
  return html`<div class="field"><label for=${`${c.id}-note`}>${t(`card.${kind}`)}</label>
    <textarea id=${`${c.id}-note`} ref=${box} data-testid="note" rows=${kind === "answer" ? 4 : 2} value=${text}
      placeholder=${kind === "note" && isBefore(c) ? t("card.note.before") : t(kind === "note" && asksAnswer(c) ? "card.note.along" : `card.${kind}.hint`)}
      aria-describedby=${wrong ? `${c.id}-error` : undefined} aria-invalid=${wrong ? true : undefined}
      onInput=${(/** @type {any} */ e) => change({ note: e.target.value })}></textarea>
    ${comments && text.trim() && html`<${Comment} checkpoint=${c} text=${text.trim()} />`}</div>`;
}

/** Says it to everybody, and leaves the question open. @param {{ checkpoint: CheckpointView, text: string }} props */
function Comment({ checkpoint: c, text }) {
  const client = useClient();
  const [error, fail] = useState(""),
    [sending, send] = useState(false);
  const say = () => {
    if (sending) return;
    fail("");
    send(true);
    client
      .comment({ execution: c.execution, checkpoint: c.id, text })
      .then(({ offset }) => {
        claim(`${c.execution}@${offset}`, 0);
        dropNote(c.id, text);
      }, (/** @type {any} */ e) => fail(tOr(`error.${e.code}`, e.message, { message: e.message, who: t("thread.someone") })))
      .finally(() => send(false));
  };
  return html`<button type="button" class="quiet" data-testid="comment" aria-disabled=${sending} onClick=${say}>${t("card.comment")}</button>${error && html`<p class="error" role="alert">${error}</p>`}`;
}

/** What the box of words is for: an answer, a message to the agent, or a note that may go along. @param {CheckpointView} c */
function noteOf(c) {
  if (c.kind === "tool") return "message";
  if (!asksAnswer(c) || c.schema) return "note";
  return c.kind === "flow" ? "words" : "answer";
}

/** Whether words would be read: a recovery's are not, and a form holds its own. @param {CheckpointView} c */
export const takesNote = (c) => c.kind !== "recovery" && (!formOf(c) || c.actions.some((a) => !["respond", "stop"].includes(a.id)));

/**
 * What a tool gave, whose result was lost.
 * @param {{ checkpoint: CheckpointView, text: string, problem: string | undefined, edit: (text: string) => void }} props
 */
export function Result({ checkpoint: c, text, problem, edit }) {
  const id = `${c.id}-result`;
  return html`<div class="field"><label for=${id}>${t("card.result")}</label>
    <textarea id=${id} data-testid="result-text" rows="3" value=${text} placeholder=${t("card.result.hint")} aria-invalid=${problem ? true : undefined}
      aria-describedby=${problem ? `${id}-problem` : undefined} onInput=${(/** @type {any} */ e) => edit(e.target.value)}></textarea>
    ${problem && html`<p class="error" id=${`${id}-problem`} role="alert">${problem}</p>`}</div>`;
}
