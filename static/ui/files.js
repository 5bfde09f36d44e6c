/** What a task wrote into a file. */
import { html } from "./html.js";
import { t } from "./i18n/index.js";
import { ROOT } from "./router.js";

/** @param {{ execution: string, name: string }} props */
export const FileLink = ({ execution, name }) =>
  html`<p class="file"><a href=${`${ROOT}/api/v1/executions/${encodeURIComponent(execution)}/files/${encodeURIComponent(name)}`} download=${name} data-testid="file">${t("thread.file", { name })}</a></p>`;
