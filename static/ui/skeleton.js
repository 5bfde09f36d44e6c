/** Grey bars where a run will stand. */
import { html } from "./html.js";
import { t } from "./i18n/index.js";

export const Skeleton = () =>
  html`<div class="skeleton" role="status"><span class="vh">${t("run.loading")}</span><i></i><i></i><i></i></div>`;
