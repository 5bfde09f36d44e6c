/**
 * Starting a run: which crew, what it needs to know, and where it shall stop and ask.
 * @import { Crew } from "../client/protocol.js"
 */
import { useEffect, useMemo, useRef, useState } from "react";
import { CommandError, newKey } from "../client/index.js";
import { useClient, useSelection } from "../client/react.js";
import { humanise } from "../client/states.js";
import { Fields, read, without } from "./fields.js";
import { html } from "./html.js";
import { LANGUAGES, t, tOr, useLanguage } from "./i18n/index.js";
import { withLanguages } from "./languages.js";
import { fromHere } from "./router.js";
import { startWords, useStart } from "./start.js";

export default function StartForm() {
  const client = useClient();
  const crews = useSelection((state) => state.crews);
  const [{ crew: chosen, typed, unticked: names }, keep] = useStart();
  const unticked = new Set(names);
  const crew = crews.find((c) => c.name === chosen) ?? crews.find((c) => !c.broken) ?? crews[0];
  const language = LANGUAGES[useLanguage()];
  const schema = useMemo(() => crew && withLanguages(crew.inputs, language), [crew, language]);
  const [problems, setProblems] = useState(/** @type {Record<string, string>} */ ({})),
    [error, fail] = useState(""),
    [sending, send] = useState(false);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));

  useEffect(() => focusFirst(form.current), [crew?.name]);

  /** @param {Record<string, string>} found */
  const report = (found) => {
    setProblems(found);
    const first = Object.keys(found)[0];
    if (first) form.current?.querySelector(`#input-${CSS.escape(first)}`)?.scrollIntoView({ block: "nearest" });
    return first === undefined;
  };
  const submit = async (/** @type {Event} */ e) => {
    e.preventDefault();
    if (!crew || !schema || sending) return;
    const { values, problems: found } = read(schema, typed);
    fail("");
    if (!report(found)) return;
    send(true);
    const goOn = fromHere();
    try {
      const started = await client.start({
        crew: crew.name,
        conversation: `cv_${newKey()}`,
        inputs: values,
        checkpoints: crew.checkpoints.filter((c) => c.required || !unticked.has(c.name)).map((c) => c.name),
      });
      if (startWords().typed === typed) keep({ typed: {} }); // what was typed since then is for the next run
      goOn({ execution: started.execution });
    } catch (refusal) {
      if (!(refusal instanceof CommandError)) throw refusal;
      const missing = /** @type {string[]} */ (
        refusal.code === "missing_inputs" ? (refusal.detail["inputs"] ?? []) : []
      );
      report(Object.fromEntries(missing.map((input) => [input, t("start.missing")])));
      if (!missing.length) fail(tOr(`error.${refusal.code}`, refusal.message));
    } finally {
      send(false);
    }
  };
  const change = (/** @type {Record<string, string>} */ next, /** @type {string} */ name) => {
    keep({ typed: next });
    setProblems(without(problems, name));
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ e) => {
    if (e.key === "Enter" && (e.metaKey || e.ctrlKey)) submit(e);
  };
  if (!crew)
    return html`<section class="start"><h1 tabindex="-1">${t("start.title")}</h1><p class="empty">${t("start.empty")}</p></section>`;
  return html`<form class="start" data-testid="start-form" ref=${form} noValidate onSubmit=${submit} onKeyDown=${onKeyDown}>
    <h1 tabindex="-1">${t("start.title")}</h1>
    ${crews.length > 1 ? html`<${Picker} crews=${crews} crew=${crew} choose=${(/** @type {string} */ name) => keep({ crew: name })} />` : html`<p class="lead"><b>${crew.title}</b></p>`}
    ${crew.description && html`<p class="lead">${crew.description}</p>`}
    ${
      crew.broken
        ? html`<p class="error" role="alert">${t("start.broken", { reason: crew.broken })}</p>`
        : html`
      <${Fields} schema=${schema} values=${typed} problems=${problems} change=${change} />
      ${crew.checkpoints.length > 0 && html`<${Stops} crew=${crew} unticked=${unticked} untick=${(/** @type {ReadonlySet<string>} */ names) => keep({ unticked: [...names] })} />`}
      ${error && html`<p class="error" role="alert">${error}</p>`}
      <p><button type="submit" data-testid="start-submit" data-primary aria-disabled=${sending}>${t(sending ? "start.sending" : "start.submit")}</button></p>`
    }
  </form>`;
}

/**
 * Puts the cursor where the brief goes, unless somebody types elsewhere already; on a touch screen that would open the keyboard.
 * @param {HTMLElement | null} form
 */
function focusFirst(form) {
  if (document.activeElement?.matches("input, textarea, select") || !matchMedia("(hover: hover)").matches) return;
  /** @type {HTMLElement | null | undefined} */ (form?.querySelector(".field :is(textarea, input)"))?.focus({
    preventScroll: true,
  });
}

/** @param {{ crews: readonly Crew[], crew: Crew, choose: (name: string) => void }} props */
const Picker = ({ crews, crew, choose }) => html`<div class="field"><label for="crew">${t("start.crew")}</label>
  <select id="crew" data-testid="start-crew" value=${crew.name} onChange=${(/** @type {any} */ e) => choose(e.target.value)}>${crews.map((c) => html`<option key=${c.name} value=${c.name}>${c.title}</option>`)}</select></div>`;

/** @param {{ crew: Crew, unticked: ReadonlySet<string>, untick: (names: ReadonlySet<string>) => void }} props */
function Stops({ crew, unticked, untick }) {
  const titleOf = (/** @type {string} */ task) =>
    crew.tasks.find((known) => known.name === task)?.title ?? humanise(task);
  const toggle = (/** @type {string} */ name, /** @type {boolean} */ on) =>
    untick(new Set(on ? [...unticked].filter((n) => n !== name) : [...unticked, name]));
  return html`<fieldset><legend>${t("start.ask")}</legend><p class="hint">${t("start.ask.hint")}</p>${crew.checkpoints.map(
    (c) => html`
    <label key=${c.name} class="check"><input type="checkbox" data-testid=${`checkpoint-${c.name}`} checked=${c.required || !unticked.has(c.name)} disabled=${c.required} onChange=${(/** @type {any} */ e) => toggle(c.name, e.target.checked)} />
      <span>${c.title}</span> <small>${t(c.place === "before" ? "start.before" : "start.after", { task: titleOf(c.task) })}${c.required ? ` · ${t("start.required")}` : ""}</small></label>`,
  )}</fieldset>`;
}
