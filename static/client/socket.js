/**
 * One WebSocket that comes back: when to reconnect, signs of life, ends. It knows no commands but `pong`.
 * @import { Bye, ServerFrame } from "./protocol.js"
 * @import { Connection } from "./types.js"
 */

const SUBPROTOCOL = "quarterdeck.v1.json";
/** A connection that lasted this long counts as good: the next attempt starts from the shortest pause. */
const STEADY = 5_000;
/** How long a connection may take until `welcome`. */
const PATIENCE = 15_000;
/** Silence for this many heartbeats means that the connection is lost. */
const BEATS = 2.5;

/** @type {Connection} */
export const IDLE = Object.freeze({ phase: "idle", attempt: 0 });

/**
 * Tells how many milliseconds to wait before coming back, or `undefined` for never.
 * 40xx: do not come back. 41xx: after a pause. 42xx: at once. `bye` names its own pause. Else full jitter.
 * @param {number} code
 * @param {Bye | undefined} bye
 * @param {{ attempt: number, min: number, max: number, random: () => number }} o
 */
export function pauseAfter(code, bye, { attempt, min, max, random }) {
  if ((code >= 4000 && code < 4100) || bye?.resume === false) return undefined;
  if (bye && attempt === 0) return bye.after * 1000;
  if (code >= 4200 && code < 4300 && attempt === 0) return 0;
  const jitter = random() * Math.min(max, min * 2 ** attempt);
  return code >= 4100 && code < 4200 ? min + jitter : jitter;
}

/** @param {typeof globalThis.WebSocket | undefined} WebSocket @param {string} url */
function connect(WebSocket, url) {
  if (!WebSocket) throw new Error("There is no WebSocket here: give createClient one");
  return new WebSocket(url, [SUBPROTOCOL]);
}

/**
 * @param {object} o
 * @param {() => string} o.url
 * @param {typeof globalThis.WebSocket | undefined} o.WebSocket
 * @param {{ min: number, max: number }} o.backoff milliseconds
 * @param {() => number} o.random
 * @param {(frame: ServerFrame) => void} o.receive
 * @param {(connection: Connection) => void} o.changed
 */
export function createSocket({ url, WebSocket, backoff, random, receive, changed }) {
  /** @type {WebSocket | undefined} */ let socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let watchdog;
  /** @type {Bye | undefined} */ let bye;
  let attempt = 0,
    readyAt = 0,
    heartbeat = 0;

  function open() {
    if (socket) return;
    clearTimeout(timer);
    bye = undefined;
    readyAt = heartbeat = 0;
    changed({ phase: "connecting", attempt });
    try {
      socket = connect(WebSocket, url());
    } catch (e) {
      return changed({ phase: "closed", attempt, reason: e instanceof Error ? e.message : String(e) });
    }
    const mine = socket;
    mine.onerror = () => {}; // `close` follows and says more; unheard, an error of the package `ws` ends the process
    mine.onmessage = ({ data }) => {
      if (mine === socket) hear(data);
    };
    mine.onclose = ({ code, reason }) => {
      if (mine === socket) lost(code, reason);
    };
    expectLife();
  }

  /** @param {string} data */
  function hear(data) {
    /** @type {ServerFrame} */ let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return give(1002, "A message could not be read");
    }
    if (frame.type === "welcome") heartbeat = frame.heartbeat * 1000;
    if (frame.type === "ping") send({ type: "pong" });
    if (frame.type === "bye") bye = frame;
    expectLife();
    receive(frame);
  }

  function expectLife() {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => give(4110, "The server fell silent"), heartbeat ? heartbeat * BEATS : PATIENCE);
  }

  /**
   * Gives the connection up without waiting for the other side: a dead one would not answer.
   * @param {number} code
   * @param {string} reason
   */
  function give(code, reason) {
    const mine = socket;
    lost(code, reason);
    mine?.close();
  }

  /** @param {number} code @param {string} reason */
  function lost(code, reason) {
    socket = undefined;
    clearTimeout(watchdog);
    if (readyAt && Date.now() - readyAt > STEADY) attempt = 0;
    const end = { code: bye?.code ?? code, reason: bye?.reason ?? reason };
    const pause = pauseAfter(end.code, bye, { attempt, ...backoff, random });
    if (pause === undefined) return changed({ phase: "closed", attempt, ...end });
    attempt += 1;
    timer = setTimeout(open, pause);
    changed({ phase: "waiting", attempt, retryAt: Date.now() + pause, ...end });
  }

  /** @param {object} command */
  function send(command) {
    if (socket?.readyState === 1) socket.send(JSON.stringify(command));
  }

  return {
    open,
    send,
    /** Says that the session stands: commands may flow. */
    ready() {
      readyAt = Date.now();
      changed({ phase: "open", attempt: 0 });
    },
    /** Gives up this connection for a reason the caller found. @param {number} code @param {string} reason */
    give,
    close() {
      clearTimeout(timer);
      clearTimeout(watchdog);
      const mine = socket;
      socket = undefined;
      attempt = 0;
      mine?.close(1000);
      changed(IDLE);
    },
  };
}
