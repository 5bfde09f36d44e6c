/**
 * The card: a document under review. It shows what is asked, takes the answer, and keeps what was typed.
 * @import { Action } from "../client/protocol.js"
 * @import { CheckpointView } from "../client/types.js"
 */
import { useEffect, useRef, useState } from "react";
import { Actions, actionOfKey, choices } from "./actions.js";
import { asksAnswer, formOf, prepare } from "./answer.js";
import { Closed, Revising, Stale } from "./closed.js";
import { useDecide, useInert } from "./decide.js";
import { Draft, isBefore, textOf } from "./draft.js";
import { Facts, sorted } from "./facts.js";
import { Fields, without } from "./fields.js";
import { html } from "./html.js";
import { countdown, listOf, t } from "./i18n/index.js";
import { isClaimed } from "./people.js";
import { go } from "./router.js";
import { useNow } from "./time.js";
import { dropWords, keepWords, useWords } from "./words.js";

/** @param {{ checkpoint: CheckpointView }} props */
export function Approval({ checkpoint: c }) {
  const was = useRef(c.state);
  useEffect(() => {
    if (was.current === "open" && c.state !== "open" && isClaimed(c.id, c.version))
      go({ execution: c.execution }, { replace: true });
    was.current = c.state;
  }, [c.state]);
  if (c.state === "revising") return html`<${Revising} checkpoint=${c} />`;
  return c.state === "open" ? html`<${Open} checkpoint=${c} />` : html`<${Closed} checkpoint=${c} />`;
}

/** @param {{ checkpoint: CheckpointView }} props */
function Open({ checkpoint: c }) {
  const words = useWords(c.id) ?? { version: c.version, note: "" };
  const { decide, sending, error, fail, takeBack } = useDecide(c);
  const inert = useInert(`${c.id}:${c.version}`);
  const [asking, ask] = useState("");
  const [form, fill] = useState(/** @type {Record<string, string>} */ ({}));
  const [wrong, setWrong] = useState(/** @type {Record<string, string>} */ ({}));
  const note = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const stale = words.text !== undefined && words.version !== c.version;
  const original = textOf(c);
  const text = stale ? original : (words.text ?? original);
  const actions = choices(c.actions, text !== original);
  const schema = formOf(c);
  const edit = (/** @type {string} */ next) => keepWords(c.id, { version: c.version, note: words.note, text: next });
  const withoutEdit = () => (words.note ? keepWords(c.id, { version: c.version, note: words.note }) : dropWords(c.id));
  const change = (/** @type {Partial<import("./words.js").Words>} */ part) =>
    keepWords(c.id, { ...words, version: stale ? words.version : c.version, ...part });

  const choose = (/** @type {Action} */ action) => {
    ask("");
    const prepared = prepare(c, action, { text, note: words.note, form });
    setWrong("problems" in prepared ? prepared.problems : {});
    if ("answer" in prepared) decide(prepared.answer);
    if (!("problem" in prepared)) return;
    fail(t(prepared.problem));
    note.current?.focus();
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ e) => {
    const action = inert || sending ? undefined : actionOfKey(e, actions);
    if (!action) return;
    e.preventDefault();
    if (action.confirm) ask(action.id);
    else choose(action);
  };

  const typed = (/** @type {Record<string, string>} */ next, /** @type {string} */ name) => {
    fill(next);
    setWrong(without(wrong, name));
  };

  return html`<section class="card" data-testid="checkpoint-card" data-state="open" data-checkpoint=${c.id} data-name=${c.name}
    data-version=${c.version} aria-labelledby=${`${c.id}-title`} tabindex="-1" onKeyDown=${onKeyDown}>
    <${Head} checkpoint=${c} />
    ${stale && html`<${Stale} words=${words} use=${() => change({ version: c.version })} drop=${withoutEdit} />`}
    <${Draft} checkpoint=${c} text=${text} edit=${edit} reset=${withoutEdit}
      editable=${!stale && c.actions.some((a) => a.id === "edit")} />
    ${
      schema
        ? html`<${Fields} schema=${schema} values=${form} problems=${wrong} change=${typed} />`
        : html`<${Note} checkpoint=${c} box=${note} text=${words.note} wrong=${Boolean(error)} change=${change} />`
    }
    ${error && html`<p class="error" id=${`${c.id}-error`} role="alert">${error}</p>`}
    <${Actions} actions=${actions} sending=${sending} inert=${inert} asking=${asking} ask=${ask} choose=${choose} takeBack=${takeBack} />
  </section>`;
}

/**
 * @param {{ checkpoint: CheckpointView, box: unknown, text: string, wrong: boolean, change: (part: { note: string }) => void }} props
 */
function Note({ checkpoint: c, box, text, wrong, change }) {
  const answers = asksAnswer(c);
  return html`<div class="field"><label for=${`${c.id}-note`}>${t(answers ? "card.answer" : "card.note")}</label>
    <textarea id=${`${c.id}-note`} ref=${box} data-testid="note" rows="2" value=${text}
      placeholder=${t(answers ? "card.answer.hint" : isBefore(c) ? "card.note.before" : "card.note.hint")}
      aria-describedby=${wrong ? `${c.id}-error` : undefined} aria-invalid=${wrong ? true : undefined}
      onInput=${(/** @type {any} */ e) => change({ note: e.target.value })}></textarea></div>`;
}

/** @param {{ checkpoint: CheckpointView }} props */
function Head({ checkpoint: c }) {
  const now = useNow(Boolean(c.deadline));
  const left = c.deadline ? Date.parse(c.deadline) - now : undefined;
  const names = c.viewers.map((v) => v.name);
  const { short, long } = sorted(c.facts);
  return html`<header><p class="eyebrow"><span>${t("inbox.waiting")}</span>${c.version > 1 && html`<span class="version">${t("card.version", { n: c.version })}</span>`}
      ${left !== undefined && html`<time>${left > 0 ? t("card.left", { time: countdown(left) }) : t("card.overdue")}</time>`}</p>
    <h2 id=${`${c.id}-title`}>${c.title}</h2>${c.description && html`<p>${c.description}</p>`}
    ${names.length > 0 && html`<p class="viewers">${names.slice(0, 4).map((name) => html`<span key=${name} class="avatar" aria-hidden="true">${name.slice(0, 1).toUpperCase()}</span>`)} ${t("card.looking", { n: names.length, names: listOf(names) })}</p>`}
    ${short.length > 0 && html`<${Facts} facts=${short} />`}
    ${long.length > 0 && !isBefore(c) && html`<details class="more"><summary>${t("card.more")}</summary><${Facts} facts=${long} /></details>`}</header>`;
}
