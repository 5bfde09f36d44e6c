/**
 * The desk beside a run: the question that lies on it.
 * @import { CheckpointView, State } from "../client/types.js"
 * @import { Place } from "./router.js"
 */
import { useEffect, useMemo, useRef, useState } from "react";
import { useClient, useSelection } from "../client/react.js";
import { OVER } from "../client/states.js";
import { mayGive } from "../client/store.js";
import { Approval } from "./approval.js";
import { Gone } from "./closed.js";
import { html } from "./html.js";
import "./i18n/run.js";
import { t } from "./i18n/index.js";
import { isClaimed } from "./people.js";
import { hasMoved, Link } from "./router.js";
import { verdictOf } from "./verdict.js";
import { isSent, useWords, wordsOf } from "./words.js";

/** @param {{ place: { execution: string, checkpoint?: string } }} props */
export default function Desk({ place }) {
  const checkpoint = useShown(place);
  const state = useSelection((all) => all.executions[place.execution]?.state);
  const title = useSelection((all) => (all.executions[place.execution] ?? all.summaries[place.execution])?.title);
  const desk = useFocusKept(`${checkpoint?.id}:${checkpoint?.version}:${checkpoint?.state}`);
  const [wide, widen] = useState(false);
  const [said, decided] = useSaid();
  useEffect(() => {
    if (place.checkpoint && checkpoint && hasMoved())
      /** @type {HTMLElement | null | undefined} */ (desk.current?.querySelector(".card"))?.focus({ preventScroll: true });
  }, [place.checkpoint, Boolean(checkpoint)]);
  if (!checkpoint && !place.checkpoint && (!state || OVER.has(state))) return html`<p class="vh" role="status">${said}</p>`;
  return html`<section class="desk" ref=${desk} tabindex="-1" aria-label=${t("inbox.waiting")} data-wide=${wide && checkpoint ? "" : undefined}>
    <h1 class="vh narrow">${checkpoint?.title ?? t("inbox.waiting")}</h1><p class="vh" role="status" data-testid="said-aloud">${said}</p>
    <p class="of narrow"><${Link} to=${{ execution: place.execution }} class="back">${t("card.back")}<//> <span data-testid="of-run">${title}</span></p>
    ${checkpoint && html`<button type="button" class="quiet expand" data-testid="expand" aria-pressed=${wide} aria-keyshortcuts="E" onClick=${() => widen(!wide)}>${t(wide ? "card.shrink" : "card.expand")}</button>`}
    ${checkpoint ? html`<${Approval} key=${checkpoint.id} checkpoint=${checkpoint} decided=${decided} />` : place.checkpoint ? html`<${Missing} execution=${place.execution} />` : html`<p class="calm-desk">${t("desk.calm")}</p>`}</section>`;
}

/** What is said aloud once a decision from here was taken, and how to say it. */
function useSaid() {
  const client = useClient();
  const [said, say] = useState("");
  const decided = (/** @type {CheckpointView} */ c) => {
    const state = client.getState();
    const n = Object.values(state.checkpoints).filter((other) => other.state === "open" && mayGive(state, "decide", other.execution)).length;
    const verdict = c.decision ? verdictOf(c, { ...c.decision, title: c.title }, true) : "";
    if (verdict) say(n ? t("desk.done", { verdict, n }) : verdict);
  };
  return /** @type {const} */ ([said, decided]);
}

/**
 * When a card goes with the focus in it, the focus stays on the desk: what comes next is one step away.
 * @param {string} shown
 */
function useFocusKept(shown) {
  const desk = useRef(/** @type {HTMLElement | null} */ (null));
  const before = useRef(shown);
  useEffect(() => {
    if (before.current !== shown && document.activeElement === document.body)
      desk.current?.focus({ preventScroll: true });
    before.current = shown;
  }, [shown]);
  return desk;
}

/**
 * The question that the address names; else one over which words were lost; else the run's oldest open one.
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

/** Somebody else decided, or time did, while a person wrote here; or their own answer was on its way. @param {CheckpointView} c */
function hasLostWords(c) {
  const words = isOver(c) ? wordsOf(c.id) : undefined;
  if (isClaimed(c.id, c.version) && isSent(words)) return false;
  return Boolean(words?.note || words?.text || Object.values(words?.form ?? {}).some(Boolean));
}

/** @param {{ execution: string }} props */
function Missing({ execution }) {
  const isLive = useSelection((state) => state.watched[execution] === "live");
  return isLive ? html`<${Gone} execution=${execution} />` : null;
}
