/**
 * What the command palette offers: pure but for what a command does when it is chosen.
 * @import { Client } from "../client/index.js"
 * @import { State } from "../client/types.js"
 */
import { byUrgency } from "../client/react.js";
import { mayGive } from "../client/store.js";
import { conversationsOf, matches } from "./conversations.js";
import { LANGUAGES, t } from "./i18n/index.js";
import { areKeysOn, switchKeys } from "./keys.js";
import { areNoticesOn, canNotify, switchNotices } from "./notify.js";
import { chooseLanguage, chooseTheme, THEMES } from "./preferences.js";
import { go } from "./router.js";
import { keepStart, startWords } from "./start.js";

/** More of one kind are not shown; a few letters more find them. */
const MOST = 8;
const KINDS = /** @type {const} */ (["waiting", "actions", "talks", "runs", "crews"]);

/** @typedef {{ id: string, kind: typeof KINDS[number], title: string, hint?: string, words?: string, run: () => void }} Command */

/** @param {Client} client @param {() => void} help @returns {Command[]} */
export function commandsOf(client, help) {
  const state = client.getState();
  return [...waiting(state), ...actions(state, client, help), ...talks(state), ...runs(state), ...crews(state)];
}

/** @param {State} state @returns {Command[]} */
const waiting = (state) =>
  Object.values(state.checkpoints)
    .filter((c) => c.state === "open" && mayGive(state, "decide", c.execution))
    .sort(byUrgency)
    .map((c) => ({
      id: c.id,
      kind: "waiting",
      title: c.title,
      hint: state.summaries[c.execution]?.title ?? c.execution,
      run: () => go({ execution: c.execution, checkpoint: c.id }),
    }));

/** @param {State} state @param {Client} client @param {() => void} help @returns {Command[]} */
function actions(state, client, help) {
  const next = waiting(state)[0];
  /** @type {(Omit<Command, "kind"> | false | undefined)[]} */ const all = [
    mayGive(state, "start") && { id: "new", title: t("inbox.new"), run: () => go({}) },
    next && { id: "next", title: t("palette.next"), hint: next.title, run: next.run },
    ...THEMES.map((theme) => ({ id: `theme-${theme}`, title: `${t("app.theme")}: ${t(`theme.${theme}`)}`, run: () => chooseTheme(theme) })),
    ...Object.entries(LANGUAGES).map(([code, name]) => ({ id: `language-${code}`, title: `${t("app.language")}: ${name}`, run: () => chooseLanguage(code) })),
    canNotify() && { id: "notices", title: t(areNoticesOn() ? "notices.stop" : "notices.on"), run: () => void switchNotices(!areNoticesOn()) },
    { id: "letters", title: t(areKeysOn() ? "palette.letters.off" : "palette.letters.on"), run: () => switchKeys(!areKeysOn()) },
    { id: "keys", title: t("keys.title"), hint: "?", run: help },
    Boolean(state.older) && { id: "older", title: t("palette.older"), run: () => void client.older().catch(() => undefined) },
  ];
  return all.flatMap((command) => (command ? [{ ...command, kind: /** @type {const} */ ("actions") }] : []));
}

/** @param {State} state @returns {Command[]} */
const talks = (state) =>
  conversationsOf(Object.values(state.summaries))
    .filter((talk) => talk.runs.length > 1)
    .map((talk) => ({
      id: `talk-${talk.id}`,
      kind: "talks",
      title: talk.title,
      hint: t("inbox.turns", { n: talk.runs.length }),
      words: talk.runs.map((run) => run.title).join(" "),
      run: () => go({ execution: talk.latest.id }),
    }));

/** @param {State} state @returns {Command[]} */
const runs = (state) =>
  Object.values(state.summaries)
    .sort((a, b) => b.created_at.localeCompare(a.created_at))
    .map((run) => ({ id: run.id, kind: "runs", title: run.title, hint: t(`state.${run.state}`), words: `${run.id} ${run.crew}`, run: () => go({ execution: run.id }) }));

/** @param {State} state @returns {Command[]} */
const crews = (state) =>
  state.crews
    .filter((crew) => !crew.broken && mayGive(state, "start"))
    .map((crew) => ({
      id: `crew-${crew.name}`,
      kind: "crews",
      title: t("palette.start", { crew: crew.title || crew.name }),
      hint: crew.name,
      run: () => {
        keepStart({ ...startWords(), crew: crew.name });
        go({});
      },
    }));

/**
 * The commands that a search finds, by their kinds.
 * @param {readonly Command[]} all
 * @param {string} search
 */
export const found = (all, search) =>
  KINDS.map((kind) => ({
    kind,
    commands: all.filter((c) => c.kind === kind && matches(search, [c.title, c.hint, c.words])).slice(0, kind === "actions" ? undefined : MOST),
  })).filter(({ commands }) => commands.length > 0);
