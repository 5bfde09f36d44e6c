/**
 * The next message of a conversation: it starts the same crew again, with what the run before was given.
 * @import { Crew } from "../client/protocol.js"
 * @import { ExecutionView, State } from "../client/types.js"
 */
import { useMemo, useState } from "react";
import { CommandError } from "../client/index.js";
import { useClient, useSelection } from "../client/react.js";
import { conversationOf } from "./conversations.js";
import { Fields } from "./fields.js";
import { html } from "./html.js";
import { LANGUAGES, t, tOr, useLanguage } from "./i18n/index.js";
import { withLanguages } from "./languages.js";
import { isLanguage, messageInput } from "./message.js";
import { fromHere } from "./router.js";
import { dropSent, keepWords, markSent, useWords } from "./words.js";

/** @param {{ run: ExecutionView }} props */
export default function FollowUp({ run }) {
  const select = useMemo(() => (/** @type {State} */ state) => state.crews.find((crew) => crew.name === run.crew), [run.crew]);
  const crew = /** @type {Crew | undefined} */ (useSelection(select));
  const input = crew && !crew.broken ? messageInput(crew.inputs) : undefined;
  return crew && input ? html`<${Message} run=${run} crew=${crew} input=${input} />` : null;
}

/** @param {{ run: ExecutionView, crew: Crew, input: string }} props */
function Message({ run, crew, input }) {
  const client = useClient();
  const key = `next:${conversationOf(run)}`;
  const { note: text, form = {} } = useWords(key) ?? { note: "" };
  const checkpoints = useSelection((state) => state.summaries[run.id]?.checkpoints);
  const [error, fail] = useState(""),
    [sending, send] = useState(false);
  const interfaceLanguage = LANGUAGES[useLanguage()];
  const language = useMemo(() => languageOf(crew, run, interfaceLanguage), [crew, run.inputs, interfaceLanguage]);
  const keep = (/** @type {{ note?: string, form?: Record<string, string> }} */ part) => keepWords(key, { version: 0, note: text, form, ...part });

  const submit = async (/** @type {Event} */ e) => {
    e.preventDefault();
    if (!text.trim() || sending) return fail(sending ? "" : t("start.missing"));
    fail("");
    send(true);
    markSent(key);
    const goOn = fromHere();
    const inputs = { ...run.inputs, [input]: text.trim(), ...form };
    try {
      const next = await client.start({ crew: crew.name, inputs, conversation: conversationOf(run), checkpoints: checkpoints ?? [] });
      dropSent(key);
      goOn({ execution: next.execution });
    } catch (refusal) {
      if (!(refusal instanceof CommandError)) throw refusal;
      fail(tOr(`error.${refusal.code}`, refusal.message));
    } finally {
      send(false);
    }
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ e) => {
    if (e.key === "Enter" && (e.metaKey || e.ctrlKey)) submit(e);
  };
  return html`<form class="next" data-testid="follow-up" onSubmit=${submit} onKeyDown=${onKeyDown}>
    <label for="next-message" class="vh">${t("talk.message")}</label>
    <textarea id="next-message" data-testid="follow-up-text" rows="2" value=${text} placeholder=${t("talk.message")} aria-describedby=${error ? "next-error" : undefined} aria-invalid=${error ? true : undefined}
      onInput=${(/** @type {any} */ e) => keep({ note: e.target.value })}></textarea>
    ${language && html`<${Fields} schema=${language} values=${form} problems=${{}} change=${(/** @type {Record<string, string>} */ next) => keep({ form: next })} />`}
    <button type="submit" data-testid="follow-up-send" data-primary aria-disabled=${sending}>${t(sending ? "start.sending" : "talk.send")}</button>
    ${error && html`<p class="error" id="next-error" role="alert">${error}</p>`}
  </form>`;
}

/**
 * The field for the language of the answer; it begins with the one of the run before.
 * @param {Crew} crew
 * @param {ExecutionView} run
 * @param {string} usual
 */
function languageOf(crew, run, usual) {
  const { properties = {} } = withLanguages(crew.inputs, usual);
  const name = Object.keys(properties).find(isLanguage);
  if (!name) return undefined;
  const { description: _, ...property } = properties[name] ?? {};
  return { properties: { [name]: { ...property, default: run.inputs[name] ?? property.default ?? usual } } };
}
