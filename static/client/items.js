/**
 * The thread of an execution: what happened, in the order of its log.
 * @import { Event, Checkpoint, Execution } from "./protocol.js"
 * @import { Item } from "./types.js"
 */

const NOTICES = new Set([
  "execution.recovered",
  "execution.paused",
  "execution.failed",
  "execution.stopped",
  "execution.cancelled",
  "task.failed",
  "task.skipped",
  "checkpoint.expired",
  "checkpoint.escalated",
]);

/**
 * Adds what an event has to say to the thread, or completes what an earlier one began.
 * @param {readonly Item[]} items
 * @param {Event} e
 * @returns {readonly Item[]}
 */
export function record(items, e) {
  const place = { at: e.at, offset: e.offset, by: e.by };
  switch (e.type) {
    case "task.started":
      return [
        ...items,
        { ...place, key: `task:${e.data.task}:${e.data.round}`, kind: "task", task: e.data.task, round: e.data.round },
      ];
    case "task.completed":
      return write(items, e.data.task, e.data.output, place);
    case "checkpoint.opened":
      return ask(items, e.data.checkpoint, place);
    case "checkpoint.decided":
      return [
        ...items,
        {
          ...place,
          key: `decision:${e.offset}`,
          kind: "decision",
          checkpoint: e.data.checkpoint,
          version: e.data.version,
          title: titleOf(items, e.data.checkpoint) ?? e.data.name,
          action: e.data.action,
          feedback: e.data.feedback,
          diff: e.data.diff,
          response: e.data.response,
        },
      ];
    case "checkpoint.commented":
      return [
        ...items,
        { ...place, key: `comment:${e.offset}`, kind: "comment", checkpoint: e.data.checkpoint, text: e.data.text },
      ];
    case "tool.started":
      return [
        ...items,
        {
          ...place,
          key: `tool:${e.data.call}:${e.offset}`,
          kind: "tool",
          call: e.data.call,
          tool: e.data.tool,
          arguments: e.data.arguments,
          state: "running",
        },
      ];
    case "tool.completed":
    case "tool.failed":
      return answer(items, e);
    default:
      return isTold(e)
        ? [...items, { ...place, key: `notice:${e.offset}`, kind: "notice", event: e.type, text: reason(e) }]
        : items;
  }
}

/** Whether the thread says it: that a worker takes a run up again is no news, that a person does is. @param {Event} e */
const isTold = (e) => NOTICES.has(e.type) || (e.type === "execution.resumed" && Boolean(e.by));

/** @param {Event} e */
function reason(e) {
  switch (e.type) {
    case "execution.failed":
      return e.data.error.message;
    case "execution.paused":
    case "execution.resumed":
    case "execution.cancelled":
      return e.data.reason;
    case "task.failed":
    case "task.skipped":
      return e.data.message;
    default:
      return undefined;
  }
}

/** @param {readonly Item[]} items @param {string} id */
function titleOf(items, id) {
  const asked = items.findLast((i) => i.kind === "question" && i.checkpoint === id);
  return asked?.kind === "question" ? asked.title : undefined;
}

/**
 * Puts a text under the latest round of its task.
 * @param {readonly Item[]} items
 * @param {string} task
 * @param {string} text
 * @param {{ at: string, offset: number }} place
 * @returns {readonly Item[]}
 */
function write(items, task, text, place) {
  const last = items.findLastIndex((i) => i.kind === "task" && i.task === task);
  if (last < 0) return [...items, { ...place, key: `task:${task}:1`, kind: "task", task, round: 1, text }];
  return items.map((item, i) => (i === last ? { ...item, text } : item));
}

/**
 * @param {readonly Item[]} items
 * @param {Checkpoint} c
 * @param {{ at: string, offset: number }} place
 * @returns {readonly Item[]}
 */
function ask(items, c, place) {
  const written = c.kind === "task.after" && c.task ? write(items, c.task, c.draft.text, place) : items;
  return [
    ...written,
    {
      ...place,
      key: `question:${c.id}:${c.version}`,
      kind: "question",
      checkpoint: c.id,
      version: c.version,
      title: c.title,
    },
  ];
}

/**
 * @param {readonly Item[]} items
 * @param {Extract<Event, { type: "tool.completed" | "tool.failed" }>} e
 * @returns {readonly Item[]}
 */
function answer(items, e) {
  const last = items.findLastIndex((i) => i.kind === "tool" && i.call === e.data.call);
  const state = e.type === "tool.failed" ? "failed" : "done";
  return items.map((item, i) =>
    i === last && item.kind === "tool" ? { ...item, state, result: e.data.result } : item,
  );
}

/**
 * The thread as far as a snapshot tells it, kept in order of time.
 * @param {readonly Item[]} known
 * @param {Execution} e
 * @param {readonly Checkpoint[]} open
 * @returns {readonly Item[]}
 */
export function itemsOfSnapshot(known, e, open) {
  /** @type {Item[]} */ const told = e.tasks
    .filter((t) => t.started_at)
    .map((t) => ({
      key: `task:${t.name}:${t.round ?? 1}`,
      kind: "task",
      at: t.started_at ?? e.created_at,
      offset: 0,
      task: t.name,
      round: t.round ?? 1,
      text: t.output ?? undefined,
    }));
  for (const c of open)
    told.push({
      key: `question:${c.id}:${c.version}`,
      kind: "question",
      at: c.opened_at,
      offset: e.offset,
      checkpoint: c.id,
      version: c.version,
      title: c.title,
    });
  const fresh = new Set(told.map((item) => item.key));
  const drafted = open.reduce(
    (items, c) =>
      c.kind === "task.after" && c.task
        ? write(items, c.task, c.draft.text, { at: c.opened_at, offset: e.offset })
        : items,
    /** @type {readonly Item[]} */ (told),
  );
  return [...known.filter((item) => !fresh.has(item.key)), ...drafted].sort((a, b) =>
    a.at < b.at ? -1 : a.at > b.at ? 1 : a.offset - b.offset,
  );
}
