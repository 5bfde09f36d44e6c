/**
 * The page: an inbox, the run, the question.
 * @import { Place } from "./router.js"
 */
import { render } from "preact";
import { Suspense, useCallback, useEffect, useRef, useState } from "react";
import { QuarterdeckProvider, useMay, useMyApprovals, useSelection } from "../client/react.js";
import { StartForm } from "./composer.js";
import { ConnectionBanner, useAsked } from "./connection.js";
import { Herald } from "./herald.js";
import { html } from "./html.js";
import { t, useLanguage } from "./i18n/index.js";
import { Inbox } from "./inbox.js";
import { useKeys } from "./keys.js";
import { later, warmUp } from "./later.js";
import { applyPreferences } from "./preferences.js";
import { Link, usePlace } from "./router.js";
import { client } from "./session.js";
import { sheets } from "./sheets.js";
import { Skeleton } from "./skeleton.js";

/** @template T @param {() => Promise<T>} load */
const dressed = (load) => () => Promise.all([load(), sheets(["run", "card", "document"])]).then(([part]) => part);
const PARTS = [dressed(() => import("./run.js")), dressed(() => import("./desk.js"))];
const [Run, Desk] = PARTS.map(later);
/** @template T @param {() => Promise<T>} load */
const above = (load) => () => Promise.all([load(), sheets(["dialogs"])]).then(([part]) => part);
const Help = later(above(() => import("./help.js"))),
  Palette = later(above(() => import("./palette.js")));
const SignIn = later(() => import("./sign-in.js")),
  Reader = later(() => import("./reader.js"));

addEventListener("online", client.retryNow);

function App() {
  useLanguage();
  const place = usePlace();
  const sheet = useRef(/** @type {HTMLElement | null} */ (null));
  const isDemo = useSelection((state) => state.crews.some((crew) => crew.demo));
  const mayStart = useMay("start");
  const asked = useAsked();
  const isKnown = useSelection((state) => state.crews.length > 0) || !asked;
  const [dialog, open] = useState("");
  const close = useCallback(() => open(""), []),
    help = useCallback(() => open("help"), []),
    palette = useCallback(() => open("palette"), []);
  useKeys(help, palette);
  useFocus(sheet, place);
  const view = place.checkpoint ? "checkpoint" : place.execution ? "run" : "home";
  return html`<div class="app" data-view=${view}>
    <a class="skip" href="#sheet">${t("app.skip")}</a>
    <${Inbox} place=${place} help=${help} />
    <main class="stage"><div class="sheet" id="sheet" tabindex="-1" ref=${sheet}>
      <${ConnectionBanner} />
      ${isDemo && html`<p class="banner" data-testid="demo-banner">${t("demo")}</p>`}
      ${asked && html`<${Suspense} fallback=${null}><${SignIn} reason=${asked} /><//>`}
      ${!isKnown ? null : place.execution ? html`<${Suspense} fallback=${html`<${Skeleton} />`}><${Run} key=${place.execution} id=${place.execution} /><//>` : mayStart ? html`<${StartForm} />` : html`<${Suspense} fallback=${null}><${Reader} /><//>`}
      <${Bar} place=${place} />
    </div>${place.execution && html`<${Suspense} fallback=${null}><${Desk} place=${place} /><//>`}</main>
    <${Herald} place=${place} />
    ${dialog && html`<${Suspense} fallback=${null}><${dialog === "help" ? Help : Palette} close=${close} help=${help} /><//>`}
  </div>`;
}

/** On a narrow screen, the way from a run to what waits. @param {{ place: Place }} props */
function Bar({ place }) {
  const waiting = useMyApprovals();
  const next = waiting.find((c) => c.execution === place.execution) ?? waiting[0];
  if (!next || !place.execution) return null;
  return html`<${Link} class="bar" to=${{ execution: next.execution, checkpoint: next.id }}><span>${t("inbox.count", { n: waiting.length })}</span><b>${t("inbox.review")}</b><//>`;
}

/**
 * A new place starts at its top, with the focus in it.
 * @param {{ current: HTMLElement | null }} sheet
 * @param {Place} place
 */
function useFocus(sheet, { execution, checkpoint }) {
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    if (sheet.current) sheet.current.scrollTop = 0;
    if (checkpoint) return; // the question takes it
    if (execution || !sheet.current?.contains(document.activeElement)) sheet.current?.focus({ preventScroll: true });
  }, [execution]);
}

await applyPreferences();
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.replaceChildren(); // grey bars, which the server sends so that something is there at once
render(html`<${QuarterdeckProvider} client=${client}><${App} /><//>`, root);
warmUp(PARTS);
