/** What a person set for this browser: theme and language. */
import { useSyncExternalStore } from "react";
import { html } from "./html.js";
import { LANGUAGES, setLanguage, t, useLanguage } from "./i18n/index.js";
import { makeListeners } from "./listeners.js";
import { given, signOut } from "./session.js";
import { keepSetting as write, setting as read } from "./storage.js";

export const THEMES = /** @type {const} */ (["system", "light", "dark"]);

/** @param {string} theme */
function applyTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

/** Applies what was set before, before the first paint of the page. */
export async function applyPreferences() {
  applyTheme(read("theme") ?? "system");
  await setLanguage(
    read("language") ?? navigator.languages.map((l) => l.slice(0, 2)).find((l) => l in LANGUAGES) ?? "en",
  );
}

const { listen, tell } = makeListeners();
const themeNow = () => read("theme") ?? "system";

/** @param {string} next */
export function chooseTheme(next) {
  write("theme", next);
  applyTheme(next);
  tell();
}

/** @param {string} next */
export function chooseLanguage(next) {
  write("language", next);
  setLanguage(next);
}

/** Two small selects at the foot of the inbox, and the way to the keys. @param {{ help: () => void }} props */
export function Preferences({ help }) {
  const language = useLanguage();
  const theme = useSyncExternalStore(listen, themeNow, themeNow);
  return html`<footer class="preferences">
    <label><span class="vh">${t("app.theme")}</span>
      <select value=${theme} onChange=${(/** @type {any} */ e) => chooseTheme(e.target.value)}>${THEMES.map((name) => html`<option key=${name} value=${name}>${t(`theme.${name}`)}</option>`)}</select></label>
    <label><span class="vh">${t("app.language")}</span>
      <select value=${language} onChange=${(/** @type {any} */ e) => chooseLanguage(e.target.value)}>${Object.entries(LANGUAGES).map(([code, name]) => html`<option key=${code} value=${code} lang=${code}>${name}</option>`)}</select></label>
    ${given() && html`<button type="button" class="quiet" data-testid="sign-out" onClick=${signOut}>${t("sign_in.out")}</button>`}
    <button type="button" class="keys" data-testid="help" aria-keyshortcuts="Shift+?" aria-label=${t("keys.title")} title=${t("keys.title")} onClick=${help}>?</button>
  </footer>`;
}
