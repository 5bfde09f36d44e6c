/** Instead of the form for a run, where a person may only look on. */
import { html } from "./html.js";
import "./i18n/run.js";
import { t } from "./i18n/index.js";

export default function Reader() {
  return html`<section class="start" data-testid="reader"><h1 tabindex="-1">${t("reader.title")}</h1><p class="lead">${t("reader.why")}</p></section>`;
}
