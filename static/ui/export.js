/** Takes a run along: the file is made in the page. */
import { useClient } from "../client/react.js";
import { download } from "./document.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";

const KINDS = /** @type {const} */ ({ md: "text/markdown", json: "application/json" });

/** @param {{ id: string }} props */
export function Export({ id }) {
  const client = useClient();
  const take = async (/** @type {"md" | "json"} */ kind) => {
    const { toJson, toMarkdown } = await import("./transcript.js");
    const { executions, checkpoints } = client.getState(),
      run = executions[id];
    if (run) download(`${id}.${kind}`, (kind === "md" ? toMarkdown : toJson)(run, checkpoints), KINDS[kind]);
  };
  return html`<span class="export" role="group" aria-label=${t("export.run")}><span aria-hidden="true">${t("export.run")}</span>
    ${/** @type {const} */ (["md", "json"]).map((kind) => html`<button key=${kind} type="button" class="quiet" data-testid=${`export-${kind}`} onClick=${() => take(kind)}>${t(`export.${kind}`)}</button>`)}</span>`;
}
