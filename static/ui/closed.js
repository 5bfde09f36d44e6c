/**
 * The card when nothing can be decided on it: redrafting, decided by somebody else, expired; and words that went nowhere.
 * @import { CheckpointView } from "../client/types.js"
 * @import { Words } from "./words.js"
 */
import { useMay } from "../client/react.js";
import { CopyButton } from "./document.js";
import { html } from "./html.js";
import { ago, t, tOr } from "./i18n/index.js";
import { isClaimed, nameOf } from "./people.js";
import { go, Link } from "./router.js";
import { useNow } from "./time.js";
import { verdictOf } from "./verdict.js";
import { dropWords, isSent, useWords } from "./words.js";

/** @param {{ checkpoint: CheckpointView }} props */
export function Revising({ checkpoint: c }) {
  return html`<section class="card calm" data-testid="checkpoint-card" data-state="revising" data-checkpoint=${c.id} data-name=${c.name} data-version=${c.version} role="status">
    <header><p class="eyebrow"><span>${t("card.revising")}</span></p><h2>${c.title}</h2></header>
    ${c.decision?.feedback && html`<blockquote>${c.decision.feedback}</blockquote>`}<p class="aside">${t("card.revising.hint")}</p></section>`;
}

/** Whether another answer can begin a new run. @param {CheckpointView} c */
const isForkable = (c) => (c.state === "decided" || c.state === "expired") && c.kind !== "recovery";

/** @param {{ checkpoint: CheckpointView, again: () => void }} props */
export function Closed({ checkpoint: c, again }) {
  const now = useNow();
  const words = useWords(c.id),
    mayFork = useMay("fork") && isForkable(c);
  const own = c.decision && isClaimed(c.id, c.decision.version);
  const close = () => {
    go({ execution: c.execution }, { replace: true });
    dropWords(c.id);
  };
  return html`<section class="card calm" data-testid="checkpoint-card" data-state=${c.state} data-checkpoint=${c.id} data-name=${c.name} data-version=${c.version} aria-labelledby=${`${c.id}-title`} tabindex="-1">
    <header><p class="eyebrow"><span>${closing(c, now, Boolean(words) && !own)}</span></p>
      <h2 id=${`${c.id}-title`}>${c.title}</h2></header>
    ${c.decision && html`<${Verdict} checkpoint=${c} decision=${c.decision} own=${Boolean(own)} />`}
    ${words && !(own && isSent(words)) && html`<${Kept} words=${words} />`}
    <footer class="actions" data-count=${mayFork ? 2 : 1}>${mayFork && html`<button type="button" data-testid="again" onClick=${again}>${t("card.again")}</button>`}
      <button type="button" onClick=${close}>${t("card.dismiss")}</button></footer></section>`;
}

/**
 * Why nothing can be decided here any more; somebody was faster when words were lost.
 * @param {CheckpointView} c
 * @param {number} now
 * @param {boolean} lost
 */
function closing(c, now, lost) {
  if (!c.decision && c.state === "expired") return tOr(`card.expired.${c.on_deadline}`, t("card.closed.expired"));
  if (!c.decision) return t("card.closed.withdrawn");
  const when = ago(now - Date.parse(c.decision.at));
  return lost ? `${t("card.first", { who: nameOf(c.decision.by) })} · ${when}` : when;
}

/** @param {{ checkpoint: CheckpointView, decision: NonNullable<CheckpointView["decision"]>, own: boolean }} props */
const Verdict = ({ checkpoint, decision, own }) =>
  html`<p class="verdict">${verdictOf(checkpoint, { ...decision, title: checkpoint.title }, own)}</p>${decision.feedback && html`<blockquote>${decision.feedback}</blockquote>`}`;

/** Words that were not sent: shown, to be copied. @param {{ words: Words }} props */
function Kept({ words }) {
  const text = [words.note, words.text, ...Object.values(words.form ?? {})].filter(Boolean).join("\n\n");
  if (!text) return null;
  return html`<div class="kept"><p><b>${t("card.kept")}</b> <${CopyButton} text=${text} label=${t("card.copy")} /></p><pre tabindex="0">${text}</pre></div>`;
}

/** The draft changed under the person's hands. @param {{ words: Words, use: () => void, drop: () => void }} props */
export function Stale({ words, use, drop }) {
  return html`<div class="kept" role="alert"><p>${t("card.stale", { n: words.version })}</p><pre tabindex="0">${words.text}</pre>
    <p><button type="button" class="small" onClick=${use}>${t("card.stale.use")}</button> <button type="button" class="small" onClick=${drop}>${t("card.stale.drop")}</button> <${CopyButton} text=${words.text ?? ""} label=${t("card.copy")} /></p></div>`;
}

/** A link to a question that this page cannot show. @param {{ execution: string }} props */
export const Gone = ({ execution }) =>
  html`<section class="card calm"><p>${t("card.gone")}</p><p><${Link} to=${{ execution }}>${t("card.back")}<//></p></section>`;
