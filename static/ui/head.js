/**
 * The head of a question: what is asked, how long there is, who looks at it too, and what there is to know.
 * @import { CheckpointView } from "../client/types.js"
 */
import { useState } from "react";
import { useClient } from "../client/react.js";
import { isBefore } from "./draft.js";
import { Facts, sorted } from "./facts.js";
import { html } from "./html.js";
import { countdown, t, tOr } from "./i18n/index.js";
import { Looking } from "./presence.js";
import { useNow } from "./time.js";

/** Minutes before the end at which whoever only hears the page is told. */
const TOLD = [1, 5, 10];
/** Seconds that a person asks for at once. */
const MORE = 600;

/** @param {{ checkpoint: CheckpointView, again?: boolean, reading?: boolean }} props `reading`: it is somebody else's to answer */
export function Head({ checkpoint: c, again = false, reading = false }) {
  const { tool, ...others } = c.facts;
  const { short, long } = sorted(c.tool ? others : c.facts);
  return html`<header><p class="eyebrow"><span>${t(again ? "card.again" : reading ? "card.waiting" : "inbox.waiting")}</span>${c.version > 1 && html`<span class="version">${t("card.version", { n: c.version })}</span>`}
      ${c.deadline && !again && html`<${Left} deadline=${c.deadline} />`}</p>
    <h2 id=${`${c.id}-title`}>${c.title}</h2>${c.deadline && !again && html`<${Then} checkpoint=${c} reading=${reading} />`}${again && html`<p class="hint">${t("card.again.hint")}</p>`}${c.description && html`<p>${c.description}</p>`}
    ${!again && html`<${Looking} checkpoint=${c} />`}
    ${short.length > 0 && html`<${Facts} facts=${short} />`}
    ${long.length > 0 && !isBefore(c) && html`<details class="more"><summary>${t("card.more")}</summary><${Facts} facts=${long} /></details>`}</header>`;
}

/** The time that is left. @param {{ deadline: string }} props */
function Left({ deadline }) {
  const left = Date.parse(deadline) - useNow();
  const minutes = TOLD.find((n) => left > 0 && left <= n * 60_000);
  return html`<time data-testid="left">${left > 0 ? t("card.left", { time: countdown(left) }) : t("card.overdue")}</time><span class="vh" role="status">${minutes && t("card.minutes", { n: minutes })}</span>`;
}

/** What happens when the time is up, and the way to more of it. @param {{ checkpoint: CheckpointView, reading: boolean }} props */
function Then({ checkpoint: c, reading }) {
  const client = useClient();
  const [error, fail] = useState("");
  const extend = () => {
    fail("");
    client
      .extend({ execution: c.execution, checkpoint: c.id, seconds: MORE })
      .catch((/** @type {any} */ e) => fail(tOr(`error.${e.code}`, e.message, { message: e.message, who: t("thread.someone") })));
  };
  return html`<p class="then">${c.on_deadline && html`<span>${tOr(`card.then.${c.on_deadline}`, "")}</span>`}
    ${!reading && html`<button type="button" class="quiet" data-testid="extend" onClick=${extend}>${t("card.extend", { n: MORE / 60 })}</button>`}${error && html`<span role="alert">${error}</span>`}</p>`;
}
