"use client";
/**
 * One checkpoint, with all that a card needs: what is asked, what was typed, where it stands, and the answer.
 * @import { Change } from "../../client/changes.js"
 * @import { Client } from "../../client/index.js"
 * @import { Viewer } from "../../client/protocol.js"
 * @import { CheckpointView } from "../../client/types.js"
 * @import { More } from "./answer.js"
 * @import { Words } from "./words.js"
 */
import { useDeferredValue, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { changesOf } from "../../client/changes.js";
import { CommandError } from "../../client/commands.js";
import { useCheckpoint as useCheckpointView, useClient, useConnection, useMay, useSelection } from "../../client/react.js";
import { othersOf } from "../../client/viewers.js";
import { decisionOf, isEditable, textOf } from "./answer.js";
import { phaseOf } from "./phase.js";
import { useSettled } from "./settled.js";
import { NO_WORDS, wordsOf } from "./words.js";

/** What `useCheckpoint` gives where the checkpoint is known. @typedef {ReturnType<typeof describe>} CheckpointState */

/**
 * Follows one checkpoint. Its execution must be watched (`useExecution`), or the inbox held (`useApprovals`).
 * @param {string | undefined} id
 * @returns {CheckpointState | undefined} undefined where the checkpoint is not known (yet)
 */
export function useCheckpoint(id) {
  const client = useClient(),
    checkpoint = useCheckpointView(id),
    connected = useConnection().phase === "open";
  const store = wordsOf(client);
  const words = useSyncExternalStore(
    store.subscribe,
    () => store.read(id),
    () => NO_WORDS,
  );
  const sending = useSending(client, checkpoint, words);
  const settled = useSettled(checkpoint ? `${checkpoint.id} ${checkpoint.version}` : "");
  const remaining = useRemaining(client, checkpoint),
    changes = useChanges(checkpoint, words);
  const self = useSelection((state) => state.self),
    viewers = useMemo(() => othersOf(checkpoint?.viewers ?? [], self), [checkpoint?.viewers, self]);
  const mayDecide = useMay("decide", checkpoint?.execution);
  return checkpoint && describe({ client, checkpoint, words, connected, settled, remaining, changes, viewers, mayDecide, ...sending });
}

/**
 * @typedef {object} Known
 * @property {Client} client
 * @property {CheckpointView} checkpoint
 * @property {Words} words
 * @property {boolean} connected
 * @property {boolean} settled
 * @property {number | null} remaining
 * @property {readonly Change[]} changes
 * @property {readonly Viewer[]} viewers
 * @property {boolean} mayDecide
 * @param {Known & ReturnType<typeof useSending>} known
 */
function describe({ client, checkpoint, words, connected, settled, remaining, changes, viewers, mayDecide, decide, error, isSending, takeBack }) {
  const store = wordsOf(client),
    phase = phaseOf(checkpoint, { words, sending: isSending, error, connected });
  const put = (/** @type {Partial<Words>} */ change) => store.write(checkpoint.id, { ...words, ...change });
  return {
    checkpoint,
    phase,
    /** The text as this person would have it. */
    draft: words.text ?? textOf(checkpoint),
    isEdited: words.text !== undefined,
    isEditable: isEditable(checkpoint),
    /** Changes the text; the same as the draft means unchanged. */
    edit: (/** @type {string} */ text) =>
      put({
        text: text === textOf(checkpoint) ? undefined : text,
        version: words.text === undefined ? checkpoint.version : words.version,
      }),
    /** The edit, word by word against the draft; empty without one. While somebody types it may be a moment behind. */
    changes,
    note: words.note,
    setNote: (/** @type {string} */ note) => put({ note }),
    /** Forgets what was typed. */
    reset: () => store.drop(checkpoint.id),
    /** Resolves when the decision is kept, or refused: then `error` and `phase` say why. Throws on nothing else. */
    decide,
    /** Takes back a decision that waits for a connection. */
    takeBack,
    error,
    /** True in the first half second of anything new: what is pressed then was meant for something else. */
    isInert: !settled,
    /** Seconds until the deadline, or null without one. */
    remaining,
    /** Who else looks, and whether they edit; one for each person. */
    viewers,
    /** Whether the server takes an answer from this person. */
    mayDecide,
  };
}

/** @param {CheckpointView | undefined} checkpoint @param {Words} words @returns {readonly Change[]} */
function useChanges(checkpoint, { text }) {
  const from = checkpoint && textOf(checkpoint),
    to = useDeferredValue(text);
  return useMemo(() => (from === undefined || to === undefined || to === from ? [] : changesOf(from, to)), [from, to]);
}

/** @param {Client} client @param {CheckpointView | undefined} checkpoint @param {Words} words */
function useSending(client, checkpoint, words) {
  const version = checkpoint && `${checkpoint.id} ${checkpoint.version}`;
  const [sent, send] = useState(/** @type {{ version: string, kept: boolean } | null} */ (null)),
    [failure, fail] = useState(/** @type {{ version: string, error: CommandError } | null} */ (null));
  const control = useRef(/** @type {AbortController | null} */ (null));

  /** @param {string} action @param {More} [more] */
  async function decide(action, more) {
    if (!checkpoint || !version || control.current) return;
    const { signal } = (control.current = new AbortController());
    fail(null);
    try {
      const decision = decisionOf(checkpoint, action, words, more);
      send({ version, kept: false });
      await client.decide(decision, { signal });
      wordsOf(client).drop(checkpoint.id);
      send({ version, kept: true });
    } catch (e) {
      send(null);
      if (e instanceof CommandError) fail({ version, error: e });
      else if (!signal.aborted) throw e;
    } finally {
      control.current = null;
    }
  }
  return {
    decide,
    error: failure && failure.version === version ? failure.error : null,
    // Also between the reply and the event: nothing is called decided, or open again, before the event says so.
    isSending: sent !== null && sent.version === version && (!sent.kept || checkpoint?.state === "open"),
    takeBack: () => control.current?.abort(),
  };
}

/** Seconds until the deadline, on the server's clock. @param {Client} client @param {CheckpointView | undefined} c */
function useRemaining(client, c) {
  const [remaining, tell] = useState(/** @type {number | null} */ (null));
  const deadline = c?.state === "open" ? c.deadline : undefined;
  useEffect(() => {
    if (!deadline) return tell(null);
    const look = () => tell(Math.max(0, Math.ceil((Date.parse(deadline) - client.now()) / 1000)));
    look();
    const timer = setInterval(look, 1000);
    return () => clearInterval(timer);
  }, [client, deadline]);
  return remaining;
}
