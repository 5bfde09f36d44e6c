/**
 * A run to take along: as Markdown for people, as JSON for programs. Pure but for the language of the page.
 * @import { CheckpointView, ExecutionView, Item } from "../client/types.js"
 */
import { t, tOr } from "./i18n/index.js";
import { costOf, duration } from "./i18n/lengths.js";
import "./i18n/run.js";
import { isClaimed, nameOf } from "./people.js";
import { verdictOf } from "./verdict.js";

/** @typedef {Readonly<Record<string, CheckpointView>>} Checkpoints by their ids */

/** @param {ExecutionView} run @param {Checkpoints} checkpoints */
export function toMarkdown(run, checkpoints) {
  const head = [`# ${run.title}`, facts(run), inputs(run)];
  const told = run.items.map((item) => entry(run, item, checkpoints));
  const result = run.output ? [`## ${t("result.title")}`, run.output] : [];
  return `${[...head, ...told, ...result].filter(Boolean).join("\n\n")}\n`;
}

/** @param {ExecutionView} run @param {Checkpoints} checkpoints */
export function toJson(run, checkpoints) {
  const { streams: _, held: __, missing: ___, ...known } = run;
  const asked = Object.values(checkpoints).filter((c) => c.execution === run.id);
  return `${JSON.stringify({ format: "quarterdeck.transcript", version: 1, execution: known, checkpoints: asked }, null, 2)}\n`;
}

/** @param {ExecutionView} run */
function facts(run) {
  const ended = run.endedAt ? ` · ${duration(Date.parse(run.endedAt) - Date.parse(run.createdAt))}` : "";
  return `${run.crew} · ${t(`state.${run.state}`)} · ${run.createdAt}${ended}${run.usage.cost ? ` · ${costOf(run.usage.cost)}` : ""} · \`${run.id}\``;
}

/** @param {ExecutionView} run */
function inputs(run) {
  const given = Object.entries(run.inputs).map(([name, value]) => `- **${name}**: ${typeof value === "string" ? indented(value) : JSON.stringify(value)}`);
  return given.length ? `## ${t("run.inputs")}\n\n${given.join("\n")}` : "";
}

/** Lines that stay in their item of a list. @param {string} text */
const indented = (text) => text.trim().replaceAll("\n", "\n  ");
/** @param {string} text */
const quoted = (text) => text.trim().replaceAll(/^/gm, "> ");

/** Text in a fence that it cannot end. @param {string} text @param {string} [language] */
function fenced(text, language = "") {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** @param {ExecutionView} run @param {Item} item @param {Checkpoints} checkpoints */
function entry(run, item, checkpoints) {
  switch (item.kind) {
    case "task":
      return task(run, item);
    case "tool":
      return `${t("export.tool", { tool: item.tool })}\n\n${fenced(JSON.stringify(item.arguments, null, 2), "json")}${item.result ? `\n\n${fenced(item.result)}` : ""}`;
    case "decision":
      return decision(item, checkpoints);
    case "comment":
      return `**${nameOf(item.by, isClaimed(`${run.id}@${item.offset}`, 0))}**\n\n${quoted(item.text)}`;
    case "notice":
      return `*${tOr(`notice.${item.event}`, item.event)}*${item.text ? ` ${item.text}` : ""}`;
    default:
      return "";
  }
}

/** @param {ExecutionView} run @param {Extract<Item, { kind: "task" }>} item */
function task(run, item) {
  const known = run.tasks.find(({ name }) => name === item.task);
  const round = item.round > 1 ? ` (${t("thread.round", { n: item.round })})` : "";
  const name = [known?.agent, known?.title ?? item.task].filter(Boolean).join(" · ");
  const isResult = run.output && item.text === run.output;
  return `## ${name}${round}\n\n${isResult ? `*${t("thread.in_result")}*` : (item.text ?? `*${t("export.unwritten")}*`)}`;
}

/** @param {Extract<Item, { kind: "decision" }>} item @param {Checkpoints} checkpoints */
function decision(item, checkpoints) {
  const said = verdictOf(checkpoints[item.checkpoint], item, isClaimed(item.checkpoint, item.version));
  const response = typeof item.response === "string" ? quoted(item.response) : item.response ? fenced(JSON.stringify(item.response, null, 2), "json") : "";
  return [`**${said}** (${item.at})`, item.feedback ? quoted(item.feedback) : "", response, item.diff ? fenced(item.diff, "diff") : ""].filter(Boolean).join("\n\n");
}
