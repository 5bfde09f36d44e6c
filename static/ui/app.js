/**
 * The page: an inbox, the run, the question.
 * @import { Place } from "./router.js"
 */
import { render } from "preact";
import { Suspense, useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { QuarterdeckProvider, useMay, useSelection } from "../client/react.js";
import { ConnectionBanner, LinkState, useAsked } from "./connection.js";
import { Herald } from "./herald.js";
import { html } from "./html.js";
import { t, useLanguage } from "./i18n/index.js";
import { useKeys } from "./keys.js";
import { later, Skeleton, warmUp } from "./later.js";
import { applyPreferences } from "./preferences.js";
import { Link, placeNow, usePlace } from "./router.js";
import { client } from "./session.js";
import { setting } from "./storage.js";

const SHEETS = ["run", "card", "document"];
const Lists = later(() => import("./inbox.js")),
  StartForm = later(() => import("./composer.js")),
  Reader = later(() => import("./reader.js")),
  Run = later(() => import("./run.js"), SHEETS),
  Desk = later(() => import("./desk.js"), SHEETS);
const Help = later(() => import("./help.js"), ["dialogs"]),
  Palette = later(() => import("./palette.js"), ["dialogs"]);
const SignIn = later(() => import("./sign-in.js"), ["sign-in"]);

/** The page's own letters. They come after the words, which need all of a slow line, but for those of an earlier visit. */
const letters = () => import("./letters.js").catch(() => undefined);

addEventListener("online", client.retryNow);

/** Room for one column at a time: the style sheets say the same, and the server, which names in advance what is needed. */
const NARROW = matchMedia("(width < 720px)");
/** @param {() => void} changed */
function onRoom(changed) {
  NARROW.addEventListener("change", changed);
  return () => NARROW.removeEventListener("change", changed);
}

/** The parts that a place shows; beside a run there is room for more of them on a wide screen. @param {Place} place @param {boolean} narrow */
const partsOf = ({ execution, checkpoint }, narrow) =>
  execution ? [Run, ...(narrow ? [] : [Lists]), ...(narrow && !checkpoint ? [] : [Desk])] : [StartForm, Lists];

function App() {
  useLanguage();
  const place = usePlace();
  const here = place.execution ?? "";
  const narrow = useSyncExternalStore(onRoom, () => NARROW.matches);
  const parts = partsOf(place, narrow);
  const sheet = useRef(/** @type {HTMLElement | null} */ (null));
  const isDemo = useSelection((state) => state.crews.some((crew) => crew.demo));
  const mayStart = useMay("start");
  const asked = useAsked();
  const isKnown = useSelection((state) => state.crews.length > 0) || !asked;
  const isRead = useSelection((state) => "older" in state); // until then nothing is said of what there is
  const hasLists = useOnce(parts.includes(Lists) && (isRead || !isKnown)), // what was searched for there stays, as does what was begun at a question
    hasDesk = useOnce(parts.includes(Desk));
  const [dialog, open] = useState("");
  const close = useCallback(() => open(""), []),
    help = useCallback(() => open("help"), []),
    palette = useCallback(() => open("palette"), []);
  useKeys(help, palette);
  useFocus(sheet, place);
  const refused = useSelection(({ refused }) => here in refused),
    isLive = useSelection(({ watched }) => watched[here] === "live");
  const hasWords = (here ? isLive : isRead) || refused || asked !== "";
  useEffect(() => {
    if (hasWords) letters();
  }, [hasWords]);
  const view = !isKnown ? "sign-in" : place.checkpoint && !refused ? "checkpoint" : place.execution ? "run" : "home";
  const bars = html`<${Skeleton} />`;
  return html`<div class="app" data-view=${view}>
    <a class="skip" href="#sheet">${t("app.skip")}</a>
    <nav class="inbox" data-testid="inbox" aria-label=${t("inbox")}><header><${Link} to=${{}} class="mark">Quarterdeck<//><${LinkState} /></header>
      ${hasLists ? html`<${Suspense} fallback=${bars}><${Lists} place=${place} help=${help} known=${isKnown} /><//>` : bars}</nav>
    <main class="stage"><div class="sheet" id="sheet" tabindex="-1" ref=${sheet}>
      <${ConnectionBanner} />
      ${isDemo && html`<p class="banner" data-testid="demo-banner">${t("demo")}</p>`}
      ${asked && html`<${Suspense} fallback=${null}><${SignIn} reason=${asked} /><//>`}
      ${!isKnown ? null : place.execution ? html`<${Suspense} fallback=${html`<${Skeleton} />`}><${Run} key=${place.execution} id=${place.execution} /><//>` : isRead ? html`<${Suspense} fallback=${null}><${mayStart ? StartForm : Reader} /><//>` : html`<${Skeleton} />`}
    </div>${isKnown && place.execution && hasDesk && html`<${Suspense} fallback=${null}><${Desk} place=${place} /><//>`}</main>
    <${Herald} place=${place} />
    ${dialog && html`<${Suspense} fallback=${null}><${dialog === "help" ? Help : Palette} close=${close} help=${help} /><//>`}
  </div>`;
}

/** True from the first time on. @param {boolean} now */
function useOnce(now) {
  const ever = useRef(false);
  ever.current ||= now;
  return ever.current;
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

client.hold(); // the connection comes about while the parts come
if (setting("letters")) letters();
else setTimeout(letters, 3000);
const first = partsOf(placeNow(), NARROW.matches).map((part) => part.load().catch(() => undefined));
Promise.all([applyPreferences().catch(() => undefined), ...first]).then(show); // parts need modules that come with this one: it must not await them

function show() {
  const root = /** @type {HTMLElement} */ (document.getElementById("app"));
  root.replaceChildren(); // grey bars, which the server sends so that something is there at once
  render(html`<${QuarterdeckProvider} client=${client}><${App} /><//>`, root);
  warmUp([Run, Desk, StartForm, Lists]);
}
