/**
 * The card: a document under review. It shows what is asked, takes the answer, and keeps what was typed.
 * @import { Action } from "../client/protocol.js"
 * @import { CheckpointView } from "../client/types.js"
 */
import { useEffect, useMemo, useRef, useState } from "react";
import { usePresence } from "../client/presence.js";
import { useMay } from "../client/react.js";
import { Actions, actionOfKey, choices, reveal } from "./actions.js";
import { asksResult, atFields, formOf, isEditable, prepare } from "./answer.js";
import { Closed, Revising, Stale } from "./closed.js";
import { useDecide, useInert, wordsKey } from "./decide.js";
import { Draft, textOf } from "./draft.js";
import { Fields, without } from "./fields.js";
import { Head } from "./head.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";
import { Note, Result, takesNote } from "./note.js";
import { Onlooker } from "./onlooker.js";
import { isClaimed } from "./people.js";
import { useSight } from "./presence.js";
import { go } from "./router.js";
import { dropWords, keepWords, useWords } from "./words.js";

/** @param {{ checkpoint: CheckpointView, decided: (c: CheckpointView) => void }} props */
export function Approval({ checkpoint: c, decided }) {
  const was = useRef(c.state);
  useEffect(() => {
    if (was.current === "open" && c.state !== "open" && isClaimed(c.id, c.version)) {
      decided(c);
      go({ execution: c.execution }, { replace: true });
    }
    was.current = c.state;
  }, [c.state]);
  const [again, setAgain] = useState(false);
  const mayDecide = useMay("decide", c.execution);
  if (c.state === "revising") return html`<${Revising} checkpoint=${c} />`;
  if (c.state === "open") return mayDecide ? html`<${Open} key="open" checkpoint=${c} />` : html`<${Onlooker} checkpoint=${c} />`;
  if (again) return html`<${Open} key="again" checkpoint=${c} back=${() => setAgain(false)} />`;
  return html`<${Closed} checkpoint=${c} again=${() => setAgain(true)} />`;
}

/** An open question; or, with a way `back`, one that was decided and is answered otherwise, in a new run. @param {{ checkpoint: CheckpointView, back?: () => void }} props */
function Open({ checkpoint: c, back }) {
  const again = Boolean(back),
    key = wordsKey(c, again);
  const typed = useWords(key),
    words = typed ?? { version: c.version, note: "" };
  usePresence(c, typed, useSight() && !again);
  const { decide, sending, error, fail, takeBack } = useDecide(c, again);
  const inert = useInert(`${c.id}:${c.version}`);
  const [asking, ask] = useState("");
  const [wrong, setWrong] = useState(/** @type {Record<string, string>} */ ({}));
  const note = useRef(/** @type {HTMLTextAreaElement | null} */ (null)),
    card = useRef(/** @type {HTMLElement | null} */ (null)),
    seek = useFirstWrong(card, wrong);
  const tells = asksResult(c);
  const stale = !tells && words.text !== undefined && words.version !== c.version;
  const original = textOf(c);
  const text = stale || tells ? original : (words.text ?? original);
  const offered = again ? c.actions.filter((action) => action.id !== "stop") : c.actions;
  const actions = choices(offered, tells ? Boolean(words.text?.trim()) : text !== original, tells);
  const schema = useMemo(() => formOf(c), [c]);
  const form = words.form ?? {};
  const edit = (/** @type {string} */ next) => {
    change({ version: c.version, text: next });
    setWrong({});
  };
  const withoutEdit = () => {
    const { text: _, ...others } = words;
    setWrong({});
    if (others.note || others.form) keepWords(key, { ...others, version: c.version });
    else dropWords(key);
  };
  const change = (/** @type {Partial<import("./words.js").Words>} */ part) =>
    keepWords(key, { ...words, version: stale ? words.version : c.version, ...part });

  const misfit = (/** @type {Record<string, string>} */ fields) => {
    const found = atFields(c, fields);
    setWrong(seek(found));
    if (Object.keys(found).length) fail(t("card.misfit"));
  };
  const choose = (/** @type {Action} */ action) => {
    ask("");
    const prepared = prepare(c, action, { text: tells ? (words.text ?? "") : text, note: words.note, form });
    setWrong("problems" in prepared ? seek(prepared.problems) : {});
    fail("");
    if ("answer" in prepared) decide(prepared.answer, misfit);
    if (!("problem" in prepared)) return;
    fail(t(prepared.problem));
    note.current?.focus();
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ e) => {
    if (reveal(e)) return e.preventDefault();
    const action = inert || sending ? undefined : actionOfKey(e, actions);
    if (!action) return;
    e.preventDefault();
    if (action.confirm) ask(action.id);
    else choose(action);
  };

  const fill = (/** @type {Record<string, string>} */ next, /** @type {string} */ name) => {
    change({ form: next });
    setWrong(without(wrong, name));
  };

  return html`<section class="card" data-testid="checkpoint-card" data-state=${again ? "again" : "open"} data-checkpoint=${c.id} data-name=${c.name}
    data-version=${c.version} ref=${card} aria-labelledby=${`${c.id}-title`} tabindex="-1" onKeyDown=${onKeyDown}>
    <${Head} checkpoint=${c} again=${again} />
    ${stale && html`<${Stale} words=${words} use=${() => change({ version: c.version })} drop=${withoutEdit} />`}
    <${Draft} checkpoint=${c} text=${text} edit=${edit} reset=${withoutEdit} problems=${wrong} editable=${!stale && isEditable(c)} />
    ${schema && html`<${Fields} schema=${schema} values=${form} problems=${wrong} change=${fill} />`}
    ${tells && html`<${Result} checkpoint=${c} text=${words.text ?? ""} problem=${wrong["output"]} edit=${edit} />`}
    ${takesNote(c) && html`<${Note} checkpoint=${c} box=${note} text=${words.note} wrong=${Boolean(error) && !Object.keys(wrong).length} change=${change} comments=${!again} />`}
    ${error && html`<p class="error" id=${`${c.id}-error`} role="alert">${error}</p>`}
    <${Actions} checkpoint=${c} actions=${actions} sending=${sending} inert=${inert} asking=${asking} ask=${ask} choose=${choose} takeBack=${takeBack} />
    ${again && html`<p class="aside"><button type="button" class="quiet" onClick=${back}>${t("card.again.back")}</button></p>`}
  </section>`;
}

/**
 * Moves the focus to the first field that a press found wrong: it may be out of sight. Typing moves nothing.
 * @param {{ current: HTMLElement | null }} card
 * @param {Record<string, string>} wrong
 * @returns {(found: Record<string, string>) => Record<string, string>} notes what a press has found
 */
function useFirstWrong(card, wrong) {
  const sought = useRef(/** @type {Record<string, string> | undefined} */ (undefined));
  useEffect(() => {
    if (sought.current !== wrong) return undefined;
    sought.current = undefined;
    const focus = () => /** @type {HTMLElement | null | undefined} */ (card.current?.querySelector('[aria-invalid="true"]'))?.focus();
    const frame = requestAnimationFrame(focus); // by then the tab with the editor is open
    return () => cancelAnimationFrame(frame);
  }, [wrong]);
  return (found) => (sought.current = found);
}
