/**
 * A socket without a network, and frames to send through it.
 * @import { Checkpoint, Event, ServerFrame } from "../../static/client/protocol.js"
 */
import { afterEach, beforeEach, mock } from "node:test";
import { createClient } from "../../static/client/index.js";

export const EPOCH = "e1";
export const ID = "x_1";

/** A WebSocket whose other end is the test. */
export class FakeSocket {
  /** @type {FakeSocket[]} */ static all = [];
  /** @type {any[]} */ sent = [];
  readyState = 0;
  /** @type {(e: { data: string }) => void} */ onmessage = () => {};
  /** @type {(e: { code: number, reason: string }) => void} */ onclose = () => {};

  /** @param {string} url @param {string[]} protocols */
  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.all.push(this);
  }

  /** @param {string} data */
  send(data) {
    this.sent.push(JSON.parse(data));
  }
  close() {
    this.readyState = 3;
  }

  /** The server speaks. @param {object[]} frames */
  push(...frames) {
    for (const frame of frames) this.onmessage({ data: JSON.stringify(frame) });
  }
  /** The server accepts and greets. @param {object} [more] */
  greet(more = {}) {
    this.readyState = 1;
    this.push({
      type: "welcome",
      protocol: 1,
      connection: "c_1",
      server_time: new Date().toISOString(),
      heartbeat: 20,
      auth: "open",
      limits: { frame: 65_536, watches: 100, commands_per_10s: 100 },
      crews: ["content"],
      ...more,
    });
  }
  /** The connection ends. @param {number} code */
  drop(code = 1006) {
    this.readyState = 3;
    this.onclose({ code, reason: "" });
  }
  /** The commands of a type that were sent. @param {string} type @returns {any[]} */
  of(type) {
    return this.sent.filter((command) => command.type === type);
  }
  /** Answers the newest command of a type. @param {string} type @param {object} data */
  reply(type, data) {
    this.push({ type: "reply", re: this.of(type).at(-1).id, data });
  }
}

/** The newest socket. */
export const latest = () => /** @type {FakeSocket} */ (FakeSocket.all.at(-1));

/** @param {Partial<import("../../static/client/index.js").ClientOptions>} [options] */
export function makeClient(options = {}) {
  FakeSocket.all = [];
  return createClient({
    url: "ws://server/ws",
    WebSocket: /** @type {any} */ (FakeSocket),
    random: () => 0.5,
    ...options,
  });
}

/** A client whose connection has been accepted and greeted. */
export function connected() {
  const client = makeClient();
  client.hold();
  latest().greet();
  return client;
}

/** A client that watches the execution and is live after `queued` and `task.started`. */
export function live() {
  const client = connected();
  const release = client.watch(ID);
  latest().push(queued(), taskStarted(2), synced(2));
  return { client, release };
}

/** The newest command of a type, without its id. @param {string} type */
export const said = (type) => {
  const { id: _, ...command } = latest().of(type).at(-1);
  return command;
};

/** Time passes in each test of the file only as the test says. @param {("setTimeout" | "setInterval" | "Date")[]} apis */
export function stopClock(...apis) {
  const stopped = /** @type {typeof apis} */ (["setTimeout", "Date", ...apis]);
  beforeEach(() => mock.timers.enable({ apis: stopped, now: 1_800_000_000_000 }));
  afterEach(() => mock.timers.reset());
}

/** Lets promises settle. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** @param {string} type @param {number} offset @param {object} data @param {object} [more] @returns {Event} */
export const event = (type, offset, data, more = {}) =>
  /** @type {any} */ ({
    type,
    execution: ID,
    epoch: EPOCH,
    offset,
    at: new Date(1_800_000_000_000 + offset * 1000).toISOString(),
    data,
    ...more,
  });

export const queued = () =>
  event("execution.queued", 1, {
    crew: "content",
    title: "Kopi",
    inputs: {},
    checkpoints: [],
    tasks: [{ name: "plan", agent: "Planner" }, { name: "listen" }],
  });
/** @param {number} offset @param {number} [round] */
export const taskStarted = (offset, round = 1) =>
  event("task.started", offset, { task: "plan", index: 0, agent: "Planner", round });
/** @param {number} offset @param {string} output */
export const taskCompleted = (offset, output) =>
  event("task.completed", offset, {
    task: "plan",
    index: 0,
    output,
    usage: { total_tokens: 12 },
    seconds: 1,
    edited: false,
  });
/** @param {number} index @param {string} text @param {string} [stream] @returns {ServerFrame} */
export const delta = (index, text, stream = "s1") => ({
  type: "delta",
  execution: ID,
  task: "plan",
  stream,
  index,
  text,
});
/** @param {number} offset @returns {ServerFrame} */
export const synced = (offset) => ({ type: "synced", execution: ID, epoch: EPOCH, offset });

/** @param {Partial<Checkpoint>} [more] @returns {Checkpoint} */
export const checkpoint = (more = {}) => ({
  id: "cp_1",
  execution: ID,
  name: "after_planning",
  kind: "task.after",
  state: "open",
  version: 1,
  title: "After planning",
  description: "",
  task: "plan",
  draft: { text: "A plan" },
  facts: {},
  actions: [{ id: "approve", label: "Approve" }],
  digest: "d",
  opened_at: new Date(1_800_000_003_000).toISOString(),
  history: [],
  ...more,
});
/** @param {number} offset @param {Partial<Checkpoint>} [more] */
export const opened = (offset, more) => event("checkpoint.opened", offset, { checkpoint: checkpoint(more) });
/** @param {number} offset @param {object} [data] @param {object} [more] */
export const decided = (offset, data = {}, more = {}) =>
  event(
    "checkpoint.decided",
    offset,
    { checkpoint: "cp_1", name: "after_planning", version: 1, action: "approve", via: "ws", ...data },
    more,
  );
/** @param {number} offset */
export const completed = (offset) =>
  event("execution.completed", offset, {
    output: "Done",
    tasks: [],
    usage: { total_tokens: 40 },
    seconds: 9,
    waited: 3,
  });
