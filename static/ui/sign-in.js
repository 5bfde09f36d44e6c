/** Who are you? Asked where the server wants to know it: a token is pasted, and shown to the server on the socket only. */
import { useEffect, useRef, useState } from "react";
import { html } from "./html.js";
import "./i18n/run.js";
import { t } from "./i18n/index.js";
import { given, signIn } from "./session.js";

/** @param {{ reason: string }} props `reason`: what the server said of the last token */
export default function SignIn({ reason }) {
  const [typed, type] = useState("");
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => field.current?.focus(), [reason]);
  const submit = (/** @type {Event} */ e) => {
    e.preventDefault();
    if (typed.trim()) signIn(typed);
  };
  const refused = given() !== "";
  return html`<section class="sign-in" data-testid="sign-in" aria-labelledby="sign-in-title">
    <h1 id="sign-in-title">${t("sign_in.title")}</h1>
    <form onSubmit=${submit}>
      <label for="sign-in-token">${t("sign_in.token")}</label>
      <input id="sign-in-token" type="password" autocomplete="off" spellcheck=${false} required ref=${field} value=${typed}
        aria-describedby="sign-in-hint" aria-invalid=${refused ? "true" : undefined} onInput=${(/** @type {any} */ e) => type(e.target.value)} />
      <p id="sign-in-hint" class="aside">${t("sign_in.hint")}</p>
      <p role="alert">${refused ? t("sign_in.refused", { reason }) : ""}</p>
      <button type="submit" data-primary>${t("sign_in.submit")}</button>
    </form></section>`;
}
