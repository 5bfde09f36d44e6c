/**
 * Who else is at a question.
 * @import { Viewer } from "../client/protocol.js"
 * @import { CheckpointView } from "../client/types.js"
 */
import { useSyncExternalStore } from "react";
import { useSelection } from "../client/react.js";
import { othersOf } from "../client/viewers.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";
import { listOf } from "./i18n/lengths.js";
import { nameOf } from "./people.js";

/** More faces than these are only counted. */
const FACES = 4;

/** The others, by their initials and in a sentence. @param {{ checkpoint: CheckpointView }} props */
export function Looking({ checkpoint: c }) {
  const self = useSelection((state) => state.self);
  const others = othersOf(c.viewers, self);
  const isEditing = (/** @type {Viewer} */ v) => v.state === "editing";
  const told = [
    sentence("card.writing", others.filter(isEditing)),
    sentence("card.looking", others.filter((v) => !isEditing(v))),
  ].filter(Boolean);
  return html`<div role="status" data-testid="viewers">${told.length > 0 && html`<p class="viewers">${others.slice(0, FACES).map((v) => html`<span key=${v.id} class="avatar" data-state=${v.state} aria-hidden="true">${initial(nameIn(v))}</span>`)} ${told.join(" · ")}</p>`}</div>`;
}

/** @param {"card.writing" | "card.looking"} key @param {readonly Viewer[]} people */
function sentence(key, people) {
  const names = [...new Set(people.map(nameIn))],
    n = people.length;
  return n > 0 && t(key, { n, names: names.length < n ? t("card.others", { n }) : listOf(names) });
}

/** @param {Viewer} viewer */
const nameIn = ({ name, person }) => nameOf({ id: person ?? "", name });

/** @param {string} name */
const initial = (name) => name.slice(0, 1).toUpperCase();

const inSight = () => document.visibilityState === "visible";

/** @param {() => void} changed */
function onSight(changed) {
  document.addEventListener("visibilitychange", changed);
  return () => document.removeEventListener("visibilitychange", changed);
}

/** Whether this page is in sight: who looks at another tab is not shown to the others. */
export const useSight = () => useSyncExternalStore(onSight, inSight, () => true);
