/** What a task wrote into a file. */
import { useState } from "react";
import { save } from "./document.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";
import { ROOT } from "./router.js";
import { given } from "./session.js";

/** @param {{ execution: string, name: string }} props */
export default function FileLink({ execution, name }) {
  const [error, fail] = useState("");
  const href = `${ROOT}/api/v1/executions/${encodeURIComponent(execution)}/files/${encodeURIComponent(name)}`;
  /** A link shows no token, so that who gave one is brought the file. @param {Event} e */
  const bring = async (e) => {
    if (!given()) return;
    e.preventDefault();
    fail("");
    try {
      const answer = await fetch(href, { headers: { authorization: `Bearer ${given()}` } });
      if (!answer.ok) throw new Error(answer.statusText || String(answer.status));
      save(name, await answer.blob());
    } catch (problem) {
      fail(problem instanceof Error ? problem.message : String(problem));
    }
  };
  return html`<p class="file"><a href=${href} download=${name} data-testid="file" onClick=${bring}>${t("thread.file", { name })}</a>${error && html` <span role="alert">${error}</span>`}</p>`;
}
