/** How the socket stands: a word in the head of the page, and a banner when it matters. */
import { useEffect, useState } from "react";
import { useClient, useConnection } from "../client/react.js";
import { html } from "./html.js";
import { countdown, t } from "./i18n/index.js";
import { useNow } from "./time.js";

/** A short cut is not worth a banner, in milliseconds. */
const BRIEF = 800;

export function LinkState() {
  const { phase } = useConnection();
  return html`<span class="link" data-testid="connection" data-phase=${phase} role="status">${t(`link.${phase}`)}</span>`;
}

/** Nobody knows who this is. */
const UNKNOWN = 4003;

/** Why a person must say who they are, or "". */
export function useAsked() {
  const { phase, code, reason } = useConnection();
  const [asked, ask] = useState("");
  useEffect(() => {
    if (phase === "closed" && code === UNKNOWN) ask(reason || "?");
    else if (phase === "open") ask("");
  }, [phase, code, reason]);
  return asked;
}

export function ConnectionBanner() {
  const client = useClient(),
    { phase, retryAt, reason, code } = useConnection();
  const broken = phase === "waiting" || phase === "closed" || phase === "connecting";
  const shown = useLasting(broken, phase === "closed" ? 0 : BRIEF);
  const now = useNow(shown);
  if (!shown || !broken || code === UNKNOWN) return null;
  const local = Date.now() - client.now();
  const text = phase === "closed" ? t("link.refused", { reason: reason || String(code) }) : t("link.lost");
  return html`<div class="banner" role="status"><p>${text} ${retryAt && phase === "waiting" ? html`<span>${t("link.retry", { time: countdown(Math.max(0, retryAt - now - local)) })}</span>` : null}</p>
    <button type="button" class="small" onClick=${client.retryNow}>${t("link.now")}</button></div>`;
}

/** True once `on` has lasted for `ms`. @param {boolean} on @param {number} ms */
function useLasting(on, ms) {
  const [lasted, set] = useState(false);
  useEffect(() => {
    if (!on) {
      set(false);
      return undefined;
    }
    const timer = setTimeout(() => set(true), ms);
    return () => clearTimeout(timer);
  }, [on, ms]);
  return lasted;
}
