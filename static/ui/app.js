/**
 * The page: an inbox, the run, the question.
 * @import { CheckpointView, State } from "../client/types.js"
 * @import { Place } from "./router.js"
 */
import { render } from "preact";
import { useEffect, useMemo, useRef } from "react";
import { createClient } from "../client/index.js";
import { QuarterdeckProvider, useApprovals, useSelection } from "../client/react.js";
import { Approval } from "./approval.js";
import { Gone } from "./closed.js";
import { StartForm } from "./composer.js";
import { ConnectionBanner } from "./connection.js";
import { html } from "./html.js";
import { t, useLanguage } from "./i18n/index.js";
import { Inbox } from "./inbox.js";
import { isClaimed, setMe } from "./people.js";
import { applyPreferences } from "./preferences.js";
import { Link, usePlace } from "./router.js";
import { Run } from "./run.js";
import { useWords, wordsOf } from "./words.js";

const client = createClient({
  url: new URL("../../ws", import.meta.url).href.replace(/^http/, "ws").replace(/\?.*$/, ""),
});
client.on("welcome", ({ principal }) => setMe(principal));
addEventListener("online", client.retryNow);

function App() {
  useLanguage();
  const place = usePlace();
  const sheet = useRef(/** @type {HTMLElement | null} */ (null));
  const checkpoint = useShown(place);
  const isDemo = useSelection((state) => state.crews.some((crew) => crew.demo));
  useFocus(sheet, place);
  const view = place.checkpoint ? "checkpoint" : place.execution ? "run" : "home";
  return html`<div class="app" data-view=${view} data-card=${checkpoint || place.checkpoint ? "" : undefined}>
    <a class="skip" href="#sheet">${t("app.skip")}</a>
    <${Inbox} place=${place} />
    <main class="stage"><div class="sheet" id="sheet" tabindex="-1" ref=${sheet}>
      <${ConnectionBanner} />
      ${isDemo && html`<p class="banner" data-testid="demo-banner">${t("demo")}</p>`}
      ${place.execution ? html`<${Run} key=${place.execution} id=${place.execution} />` : html`<${StartForm} />`}
      <${Bar} place=${place} />
    </div>${
      place.execution &&
      html`<section class="desk" aria-label=${t("inbox.waiting")}>
      <h1 class="vh narrow">${checkpoint?.title ?? t("inbox.waiting")}</h1>
      <${Link} to=${{ execution: place.execution }} class="back narrow">${t("card.back")}<//>
      ${checkpoint ? html`<${Approval} key=${checkpoint.id} checkpoint=${checkpoint} />` : place.checkpoint && html`<${Missing} execution=${place.execution} />`}</section>`
    }</main>
    <${Herald} />
  </div>`;
}

/**
 * The question on the desk: the one that the address names; else one over which words were lost; else the run's oldest open one.
 * @param {Place} place
 */
function useShown({ execution, checkpoint }) {
  const select = useMemo(
    () => (/** @type {State} */ state) => {
      if (checkpoint) return state.checkpoints[checkpoint];
      const here = Object.values(state.checkpoints)
        .filter((c) => c.execution === execution)
        .sort((a, b) => a.opened_at.localeCompare(b.opened_at));
      return (
        here.find(hasLostWords) ?? here.find((c) => c.state === "open") ?? here.find((c) => c.state === "revising")
      );
    },
    [execution, checkpoint],
  );
  const shown = /** @type {CheckpointView | undefined} */ (useSelection(select));
  useWords(shown?.id ?? "");
  return shown && !checkpoint && isOver(shown) && !hasLostWords(shown) ? undefined : shown;
}

/** @param {CheckpointView} c */
const isOver = (c) => c.state !== "open" && c.state !== "revising";

/** Somebody else decided, or time did, while a person wrote here. @param {CheckpointView} c */
function hasLostWords(c) {
  const words = isOver(c) && !isClaimed(c.id, c.version) ? wordsOf(c.id) : undefined;
  return Boolean(words?.note || words?.text);
}

/** @param {{ execution: string }} props */
function Missing({ execution }) {
  const isLive = useSelection((state) => state.watched[execution] === "live");
  return isLive ? html`<${Gone} execution=${execution} />` : null;
}

/** On a narrow screen, the way from a run to what waits. @param {{ place: Place }} props */
function Bar({ place }) {
  const waiting = useApprovals();
  const next = waiting.find((c) => c.execution === place.execution) ?? waiting[0];
  if (!next || !place.execution) return null;
  return html`<${Link} class="bar" to=${{ execution: next.execution, checkpoint: next.id }}><span>${t("inbox.count", { n: waiting.length })}</span><b>${t("inbox.review")}</b><//>`;
}

/** Says aloud that a person is needed, and counts in the title. */
function Herald() {
  const waiting = useApprovals();
  useEffect(() => {
    document.title = `${waiting.length ? `(${waiting.length}) ` : ""}Quarterdeck`;
  }, [waiting.length]);
  const newest = [...waiting].sort((a, b) => b.opened_at.localeCompare(a.opened_at))[0];
  return html`<p class="vh" role="alert">${newest && t("thread.asks", { title: newest.title })}</p>`;
}

/**
 * A new place starts at its top, with the focus in it.
 * @param {{ current: HTMLElement | null }} sheet
 * @param {Place} place
 */
function useFocus(sheet, { execution }) {
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    if (sheet.current) sheet.current.scrollTop = 0;
    sheet.current?.focus({ preventScroll: true });
  }, [execution]);
}

await applyPreferences();
render(
  html`<${QuarterdeckProvider} client=${client}><${App} /><//>`,
  /** @type {HTMLElement} */ (document.getElementById("app")),
);
