/**
 * What a client can ask of the server, one function for each command.
 * @import { Checkpoint, Command, Decide, Execution, Fork, List, Say, Start } from "./protocol.js"
 * @import { Limits } from "./commands.js"
 */
import { newKey } from "./commands.js";

/** @typedef {Limits & { key?: string }} KeyedLimits the same `key` twice has one effect */
/** @typedef {{ offset: number, state: Execution["state"] }} Changed where the log is now, and what the execution's state is */

/**
 * @param {(command: Command, limits?: Limits, heard?: (data: any) => void) => Promise<any>} request
 * @param {(execution: string) => void} begun told of each execution that the server lets us watch from its start
 */
export function createCalls(request, begun) {
  /** @param {"cancel" | "pause" | "resume"} type */
  const steer =
    (type) =>
    /** @param {string} execution @param {string} [reason] @param {Limits} [limits] @returns {Promise<Changed>} */
    (execution, reason, limits) =>
      request({ type, execution, ...(reason && { reason }) }, limits);

  return {
    /**
     * Starts an execution and gives its id. Unless `watch` is false, its text streams in from the first word;
     * `watch(id)` keeps it.
     * @param {Omit<Start, "type" | "id" | "key">} start
     * @param {KeyedLimits} [limits]
     * @returns {Promise<{ execution: string, epoch: string, offset: number }>}
     */
    start: (start, { key = newKey(), ...limits } = {}) =>
      request({ type: "start", ...start, key }, limits, ({ execution }) => {
        if (start.watch !== false) begun(execution);
      }),
    /**
     * Says the next thing in a conversation: starts its crew, or the one named, with the text as its input, and gives
     * the new execution. What else the crew needs is what the conversation's last execution was given.
     * @param {Omit<Say, "type" | "id" | "key">} said
     * @param {KeyedLimits} [limits]
     * @returns {Promise<{ execution: string, epoch: string, offset: number }>}
     */
    say: (said, { key = newKey(), ...limits } = {}) => request({ type: "say", ...said, key }, limits),
    /**
     * Answers a checkpoint; resolves when the decision is kept.
     * @param {Omit<Decide, "type" | "id" | "key">} decision
     * @param {KeyedLimits} [limits]
     * @returns {Promise<Changed>}
     */
    decide: (decision, { key = newKey(), ...limits } = {}) => request({ type: "decide", ...decision, key }, limits),
    /**
     * Answers an old checkpoint otherwise, in a new execution; gives the id of that.
     * @param {Omit<Fork, "type" | "id" | "key">} decision
     * @param {KeyedLimits} [limits]
     * @returns {Promise<{ execution: string }>}
     */
    fork: (decision, { key = newKey(), ...limits } = {}) => request({ type: "fork", ...decision, key }, limits),
    /** Ends an execution. */
    cancel: steer("cancel"),
    /** Has an execution stand still at its next safe point, until it is resumed. */
    pause: steer("pause"),
    /** Has a paused execution go on. */
    resume: steer("resume"),
    /**
     * Reads a page of a list; `next`, where there is one, is the `cursor` of the page after it.
     * @param {Omit<List, "type" | "id">} what
     * @param {Limits} [limits]
     * @returns {Promise<{ items: any[], next?: string }>}
     */
    list: (what, limits) => request({ type: "list", ...what }, limits),
    /**
     * Reads an execution as it stands, with its open checkpoints.
     * @param {string} execution
     * @param {Limits} [limits]
     * @returns {Promise<{ execution: Execution, checkpoints: Checkpoint[] }>}
     */
    get: (execution, limits) => request({ type: "get", execution }, limits),
    /**
     * Moves the deadline of an open checkpoint, so many seconds behind what it was.
     * @param {{ execution: string, checkpoint: string, seconds: number }} more
     * @param {Limits} [limits]
     * @returns {Promise<{ deadline: string, offset: number }>}
     */
    extend: (more, limits) => request({ type: "extend", ...more }, limits),
    /**
     * Says something to everybody at an open checkpoint, without deciding it.
     * @param {{ execution: string, checkpoint: string, text: string }} said
     * @param {KeyedLimits} [limits]
     * @returns {Promise<{ offset: number }>}
     */
    comment: (said, { key = newKey(), ...limits } = {}) => request({ type: "comment", ...said, key }, limits),
  };
}
