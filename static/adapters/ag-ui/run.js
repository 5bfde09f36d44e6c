/**
 * One run of AG-UI over the socket: what the server does for a `POST /ag-ui/{crew}`, with the same decisions and events.
 * @import { ResumeEntry, RunAgentInput } from "@ag-ui/client"
 * @import { Client } from "../../client/index.js"
 * @import { Checkpoint, Execution } from "../../client/protocol.js"
 * @import { AgEvent } from "./conversation.js"
 * @import { Listening } from "./frames.js"
 * @import { Translation } from "./translation.js"
 */
import { CommandError } from "../../client/commands.js";
import { OVER } from "../../client/states.js";
import { listen } from "./frames.js";
import { decisionOf } from "./interrupts.js";
import { historyOf, lastWords, startOf } from "./request.js";
import { createTranslation } from "./translation.js";

/** Refusals that mean that somebody else, or time, was faster. */
const LOST = new Set(["already_decided", "stale_version", "ended", "not_found", "conflict"]);

/** @typedef {{ execution: Execution, checkpoints: readonly Checkpoint[] }} Known */
/**
 * @typedef {object} Setting
 * @property {Client} client
 * @property {string} crew
 * @property {RunAgentInput} input
 * @property {(events: AgEvent[]) => void} emit
 * @property {AbortSignal} signal ends the telling; the execution goes on
 */

/**
 * Starts an execution, answers its interrupts, or attaches to it, and tells what comes up to the next one. Nothing is
 * told before the run stands: what is refused, rejects with `CommandError`.
 * @param {Setting} setting
 */
export async function runOver(setting) {
  const { client, input } = setting;
  const release = client.hold(),
    heard = listen(client);
  try {
    const known = await latest(setting);
    const isOver = known && OVER.has(known.execution.state);
    if (input.resume?.length) await answer(setting, heard, known, input.resume);
    else if (!known || (isOver && lastWords(input.messages) !== undefined)) await start(setting, heard);
    else await attach(setting, heard, known);
  } finally {
    heard.stop();
    release();
  }
}

/** Attaches to what the thread has: it starts and answers nothing. @param {Setting} setting */
export async function attachOver(setting) {
  const release = setting.client.hold(),
    heard = listen(setting.client);
  try {
    const known = await latest(setting);
    if (known) return await attach(setting, heard, known);
    const { threadId, runId } = setting.input;
    setting.emit([
      { type: "RUN_STARTED", threadId, runId, protocolVersion: "1.0" },
      { type: "RUN_FINISHED", threadId, runId, outcome: { type: "success" } },
    ]);
  } finally {
    heard.stop();
    release();
  }
}

/** The latest execution of a thread. @param {Setting} setting @returns {Promise<Known | undefined>} */
async function latest({ client, crew, input, signal }) {
  const filter = { crew, conversation: input.threadId };
  const { items } = await client.list({ what: "executions", limit: 1, filter }, { signal });
  return items[0] && (await client.get(items[0].id, { signal }));
}

/** @param {Setting} setting @param {Listening} heard */
async function start(setting, heard) {
  const { client, crew, input, signal } = setting;
  const { items } = await client.list({ what: "crews", limit: 200 }, { signal });
  const command = startOf(items.find((one) => one.name === crew), crew, input),
    key = `ag-ui:${input.threadId}:${input.runId}`.slice(0, 200);
  const { execution, epoch } = await client.start(command, { key, signal });
  const known = await client.get(execution, { signal });
  const translation = translationOf(setting, known);
  setting.emit(translation.begin());
  await follow(setting, heard, translation, execution, { epoch, offset: 0 });
}

/** Offers again what waits; else follows what runs, or tells how it ended. @param {Setting} setting @param {Listening} heard @param {Known} known */
async function attach(setting, heard, known) {
  const translation = translationOf(setting, known);
  setting.emit(translation.begin(openOf(known)));
  await goOn(setting, heard, translation, known);
}

/**
 * Decides what was answered, then goes on; what somebody else has decided is told, and what comes after it.
 * @param {Setting} setting
 * @param {Listening} heard
 * @param {Known | undefined} known
 * @param {readonly ResumeEntry[]} resume
 */
async function answer(setting, heard, known, resume) {
  if (!known) throw new CommandError("not_found", "This thread has no execution that waits for an answer.");
  const translation = translationOf(setting, known),
    answers = resume.filter((entry) => entry.status === "resolved");
  const begun = translation.begin(openOf(known));
  if (!answers.length) return setting.emit([...begun, ...translation.giveUp()]);
  /** @type {object[]} */ const lost = [];
  for (const entry of answers) lost.push(...(await decide(setting, known, entry)));
  setting.emit([...begun, ...lost.map((value) => ({ type: "CUSTOM", name: "decision.lost", value }))]);
  const { id, epoch, offset } = known.execution;
  if (lost.length < answers.length) return follow(setting, heard, translation, id, { epoch, offset });
  await goOn(setting, heard, translation, await setting.client.get(id, { signal: setting.signal }));
}

/**
 * Decides a checkpoint; gives who was faster, if somebody was. Rejects for what is no answer to it.
 * @param {Setting} setting
 * @param {Known} known
 * @param {ResumeEntry} entry
 * @returns {Promise<object[]>}
 */
async function decide({ client, input, signal }, known, { interruptId, payload }) {
  const asked = known.checkpoints.find((one) => one.id === interruptId);
  if (!asked) return [{ interruptId, message: "There is no such checkpoint in this thread." }];
  try {
    await client.decide(decisionOf(asked, payload), { key: `ag-ui:${input.runId}:${asked.id}`, signal });
    return [];
  } catch (e) {
    if (!(e instanceof CommandError) || !LOST.has(e.code)) throw e;
    return [{ interruptId, code: e.code, message: e.message, ...e.detail }];
  }
}

/** Tells how it ended, offers what waits, or follows what runs. @param {Setting} setting @param {Listening} heard @param {Translation} translation @param {Known} known */
async function goOn(setting, heard, translation, known) {
  const { id, state, epoch, offset } = known.execution,
    waiting = openOf(known);
  if (OVER.has(state)) return setting.emit(translation.ended(known.execution));
  if (waiting.length) return setting.emit(translation.interrupt(waiting));
  await follow(setting, heard, translation, id, { epoch, offset });
}

/** @param {Setting} setting @param {Listening} heard @param {Translation} translation @param {string} id @param {{ epoch: string, offset: number }} position */
const follow = (setting, heard, translation, id, position) =>
  heard.follow(
    id,
    position,
    (frame) => {
      setting.emit(translation.take(frame));
      return translation.isOver();
    },
    setting.signal,
  );

/** @param {Setting} setting @param {Known} known */
const translationOf = ({ input }, { execution }) =>
  createTranslation({ thread: input.threadId, run: input.runId, execution, messages: historyOf(input.messages, execution) });

/** @param {Known} known */
const openOf = (known) => known.checkpoints.filter((one) => one.state === "open");
