/**
 * The card of a question that is somebody else's to answer: to be read, with who can decide.
 * @import { CheckpointView } from "../client/types.js"
 */
import { usePresence } from "../client/presence.js";
import { useSelection } from "../client/react.js";
import { asksResult } from "./answer.js";
import { Draft, textOf } from "./draft.js";
import { Head } from "./head.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";
import { useSight } from "./presence.js";

/** @param {{ checkpoint: CheckpointView }} props */
export function Onlooker({ checkpoint: c }) {
  usePresence(c, undefined, useSight());
  const owner = useSelection((state) => state.summaries[c.execution]?.owner);
  return html`<section class="card" data-testid="checkpoint-card" data-state="not-yours" data-checkpoint=${c.id} data-name=${c.name} data-version=${c.version}
    aria-labelledby=${`${c.id}-title`} tabindex="-1">
    <${Head} checkpoint=${c} reading />
    <${Draft} checkpoint=${c} text=${asksResult(c) ? "" : textOf(c)} edit=${nothing} reset=${nothing} problems=${NONE} editable=${false} />
    <p class="aside" data-testid="who-decides">${t("card.not_yours")} ${owner ? t("card.deciders.owner", { who: owner.name }) : t("card.deciders")}</p>
  </section>`;
}

const NONE = {};
const nothing = () => undefined;
