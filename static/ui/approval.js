/**
 * The card: a document under review. It shows what is asked, takes the answer, and keeps what was typed.
 * @import { Action } from "../client/protocol.js"
 * @import { CheckpointView } from "../client/types.js"
 */
import { useEffect, useMemo, useRef, useState } from "react";
import { Actions, actionOfKey, choices } from "./actions.js";
import { asksAnswer, asksResult, atFields, formOf, isEditable, prepare } from "./answer.js";
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
  const [wrong, setWrong] = useState(/** @type {Record<string, string>} */ ({}));
  const note = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const tells = asksResult(c);
  const stale = !tells && words.text !== undefined && words.version !== c.version;
  const original = textOf(c);
  const text = stale || tells ? original : (words.text ?? original);
  const actions = choices(c.actions, tells ? Boolean(words.text?.trim()) : text !== original, tells);
  const schema = useMemo(() => formOf(c), [c]);
  const form = words.form ?? {};
  const edit = (/** @type {string} */ next) => {
    change({ version: c.version, text: next });
    setWrong({});
  };
  const withoutEdit = () => {
    const { text: _, ...others } = words;
    setWrong({});
    if (others.note || others.form) keepWords(c.id, { ...others, version: c.version });
    else dropWords(c.id);
  };
  const change = (/** @type {Partial<import("./words.js").Words>} */ part) =>
    keepWords(c.id, { ...words, version: stale ? words.version : c.version, ...part });

  const misfit = (/** @type {Record<string, string>} */ fields) => {
    const found = atFields(c, fields);
    setWrong(found);
    if (Object.keys(found).length) fail(t("card.misfit"));
  };
  const choose = (/** @type {Action} */ action) => {
    ask("");
    const prepared = prepare(c, action, { text: tells ? (words.text ?? "") : text, note: words.note, form });
    setWrong("problems" in prepared ? prepared.problems : {});
    fail("");
    if ("answer" in prepared) decide(prepared.answer, misfit);
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
    change({ form: next });
    setWrong(without(wrong, name));
  };

  return html`<section class="card" data-testid="checkpoint-card" data-state="open" data-checkpoint=${c.id} data-name=${c.name}
    data-version=${c.version} aria-labelledby=${`${c.id}-title`} tabindex="-1" onKeyDown=${onKeyDown}>
    <${Head} checkpoint=${c} />
    ${stale && html`<${Stale} words=${words} use=${() => change({ version: c.version })} drop=${withoutEdit} />`}
    <${Draft} checkpoint=${c} text=${text} edit=${edit} reset=${withoutEdit} problems=${wrong} editable=${!stale && isEditable(c)} />
    ${schema && html`<${Fields} schema=${schema} values=${form} problems=${wrong} change=${typed} />`}
    ${tells && html`<${Result} checkpoint=${c} text=${words.text ?? ""} problem=${wrong["output"]} edit=${edit} />`}
    ${takesNote(c) && html`<${Note} checkpoint=${c} box=${note} text=${words.note} wrong=${Boolean(error) && !Object.keys(wrong).length} change=${change} />`}
    ${error && html`<p class="error" id=${`${c.id}-error`} role="alert">${error}</p>`}
    <${Actions} checkpoint=${c} actions=${actions} sending=${sending} inert=${inert} asking=${asking} ask=${ask} choose=${choose} takeBack=${takeBack} />
  </section>`;
}

/**
 * @param {{ checkpoint: CheckpointView, box: unknown, text: string, wrong: boolean, change: (part: { note: string }) => void }} props
 */
function Note({ checkpoint: c, box, text, wrong, change }) {
  const kind = noteOf(c);
  return html`<div class="field"><label for=${`${c.id}-note`}>${t(`card.${kind}`)}</label>
    <textarea id=${`${c.id}-note`} ref=${box} data-testid="note" rows=${kind === "answer" ? 4 : 2} value=${text}
      placeholder=${kind === "note" && isBefore(c) ? t("card.note.before") : t(kind === "note" && asksAnswer(c) ? "card.note.along" : `card.${kind}.hint`)}
      aria-describedby=${wrong ? `${c.id}-error` : undefined} aria-invalid=${wrong ? true : undefined}
      onInput=${(/** @type {any} */ e) => change({ note: e.target.value })}></textarea></div>`;
}

/** What the box of words is for: an answer, a message to the agent, or a note that may go along. @param {CheckpointView} c */
function noteOf(c) {
  if (c.kind === "tool") return "message";
  if (!asksAnswer(c) || c.schema) return "note";
  return c.kind === "flow" ? "words" : "answer";
}

/** Whether words would be read: a recovery's are not, and a form holds its own. @param {CheckpointView} c */
const takesNote = (c) => c.kind !== "recovery" && (!formOf(c) || c.actions.some((a) => !["respond", "stop"].includes(a.id)));

/**
 * What a tool gave, whose result was lost.
 * @param {{ checkpoint: CheckpointView, text: string, problem: string | undefined, edit: (text: string) => void }} props
 */
function Result({ checkpoint: c, text, problem, edit }) {
  const id = `${c.id}-result`;
  return html`<div class="field"><label for=${id}>${t("card.result")}</label>
    <textarea id=${id} data-testid="result-text" rows="3" value=${text} placeholder=${t("card.result.hint")} aria-invalid=${problem ? true : undefined}
      aria-describedby=${problem ? `${id}-problem` : undefined} onInput=${(/** @type {any} */ e) => edit(e.target.value)}></textarea>
    ${problem && html`<p class="error" id=${`${id}-problem`} role="alert">${problem}</p>`}</div>`;
}

/** @param {{ checkpoint: CheckpointView }} props */
function Head({ checkpoint: c }) {
  const now = useNow(Boolean(c.deadline));
  const left = c.deadline ? Date.parse(c.deadline) - now : undefined;
  const names = c.viewers.map((v) => v.name);
  const { tool, ...others } = c.facts;
  const { short, long } = sorted(c.tool ? others : c.facts);
  return html`<header><p class="eyebrow"><span>${t("inbox.waiting")}</span>${c.version > 1 && html`<span class="version">${t("card.version", { n: c.version })}</span>`}
      ${left !== undefined && html`<time>${left > 0 ? t("card.left", { time: countdown(left) }) : t("card.overdue")}</time>`}</p>
    <h2 id=${`${c.id}-title`}>${c.title}</h2>${c.description && html`<p>${c.description}</p>`}
    ${names.length > 0 && html`<p class="viewers">${names.slice(0, 4).map((name) => html`<span key=${name} class="avatar" aria-hidden="true">${name.slice(0, 1).toUpperCase()}</span>`)} ${t("card.looking", { n: names.length, names: listOf(names) })}</p>`}
    ${short.length > 0 && html`<${Facts} facts=${short} />`}
    ${long.length > 0 && !isBefore(c) && html`<details class="more"><summary>${t("card.more")}</summary><${Facts} facts=${long} /></details>`}</header>`;
}
