/**
 * What is said in a run: texts as they stream, outputs of tasks, calls of tools; and all of it as AG-UI's messages.
 * @import { Checkpoint, Delta, TaskCompleted, ToolCompleted, ToolFailed } from "../../client/protocol.js"
 * @typedef {{ type: string, [field: string]: unknown }} AgEvent
 * @typedef {{ id: string, role: string, content?: unknown, toolCalls?: { id: string }[], toolCallId?: string }} Said
 */
import { identOf } from "./interrupts.js";
import { textOf } from "./request.js";

/**
 * @param {string} execution
 * @param {readonly Said[]} known what was said before
 */
export function createConversation(execution, known) {
  const messages = new Map(known.map((message) => [message.id, message]));
  /** Texts that are being said. @type {Map<string, string>} */ const texts = new Map();
  /** How many pieces of each stream were said; `null` where one was missed, for what is left is no text.
   * @type {Map<string, number | null>} */
  const pieces = new Map();
  /** The latest stream of each task. @type {Map<string | undefined, string>} */ const last = new Map();
  const ident = (/** @type {string} */ name) => identOf(execution, name);

  /** Ends a text, if it is one that was begun. @param {string} stream @returns {AgEvent[]} */
  function textOver(stream) {
    const text = texts.get(stream);
    if (text === undefined) return [];
    texts.delete(stream);
    messages.set(ident(stream), { id: ident(stream), role: "assistant", content: text });
    return [{ type: "TEXT_MESSAGE_END", messageId: ident(stream) }];
  }

  /** @param {string | null | undefined} task */
  function lastOver(task) {
    const stream = last.get(task ?? undefined);
    return stream === undefined ? [] : textOver(stream);
  }

  /** @param {string} id @param {string} text @param {string | null | undefined} agent @returns {AgEvent[]} */
  function say(id, text, agent) {
    const words = text.trim();
    if (!words || [...messages.values()].some((message) => textOf(message).trim() === words)) return [];
    messages.set(id, { id, role: "assistant", content: text });
    return [started(id, agent), { type: "TEXT_MESSAGE_CONTENT", messageId: id, delta: text }, { type: "TEXT_MESSAGE_END", messageId: id }];
  }

  return {
    messages: () => [...messages.values()],
    textOver,
    /** Says a piece of a text. Where one was missed, it is left: the whole is said when it is there. @param {Delta} piece @returns {AgEvent[]} */
    delta({ stream, index, text, task, agent }) {
      const said = pieces.get(stream) === undefined ? 0 : pieces.get(stream),
        id = ident(stream);
      if (said === null || said === undefined || index > said) {
        pieces.set(stream, null);
        return texts.delete(stream) ? [{ type: "TEXT_MESSAGE_END", messageId: id }] : [];
      }
      if (index < said) return [];
      pieces.set(stream, said + 1);
      const begun = texts.has(stream) ? [] : [started(id, agent)];
      if (begun.length) last.set(task ?? undefined, stream);
      texts.set(stream, (texts.get(stream) ?? "") + text);
      return [...begun, ...(text ? [{ type: "TEXT_MESSAGE_CONTENT", messageId: id, delta: text }] : [])];
    },
    /** Says a task's output, unless that was said as it streamed, or in the run that asked about it. @param {TaskCompleted} done */
    said: (done) => [...lastOver(done.task), ...say(ident(String(done.index)), done.output, done.agent)],
    /** Says the draft that people are asked about, unless it was said as it streamed. @param {Checkpoint} asked */
    drafted: (asked) => [...lastOver(asked.task), ...say(`${asked.id}/${asked.version}`, asked.draft.text, asked.agent)],
    /**
     * Tells of a tool's call, once; when it was told of before, its arguments are what a person made of them.
     * @param {string} call
     * @param {string} tool
     * @param {object} args
     * @returns {AgEvent[]}
     */
    called(call, tool, args) {
      const id = ident(call),
        isKnown = messages.has(id),
        written = JSON.stringify(args);
      const toolCalls = [{ id, type: "function", function: { name: tool, arguments: written } }];
      messages.set(id, { id, role: "assistant", toolCalls });
      if (isKnown) return [];
      return [
        { type: "TOOL_CALL_START", toolCallId: id, toolCallName: tool },
        { type: "TOOL_CALL_ARGS", toolCallId: id, delta: written },
        { type: "TOOL_CALL_END", toolCallId: id },
      ];
    },
    /** Tells what a tool gave. @param {ToolCompleted | ToolFailed} ended @returns {AgEvent} */
    result({ call, result }) {
      const toolCallId = ident(call),
        id = `${toolCallId}/result`;
      messages.set(id, { id, role: "tool", toolCallId, content: result });
      return { type: "TOOL_CALL_RESULT", messageId: id, toolCallId, content: result, role: "tool" };
    },
    /** Whether a tool was called that has given nothing yet: its result is about to come. */
    hasOpenCalls() {
      const all = [...messages.values()],
        given = new Set(all.map((message) => message.toolCallId));
      return all.some((message) => message.toolCalls?.some((call) => !given.has(call.id)));
    },
    /** Ends every text. */
    close: () => [...texts.keys()].flatMap(textOver),
  };
}

/** @param {string} messageId @param {string | null | undefined} agent @returns {AgEvent} */
const started = (messageId, agent) => ({ type: "TEXT_MESSAGE_START", messageId, role: "assistant", ...(agent && { name: agent }) });
