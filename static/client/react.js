"use client";
/**
 * React hooks over a client. State lives in the client; components only subscribe to it.
 * @import { Context, ReactElement, ReactNode } from "react"
 * @import { Client } from "./index.js"
 * @import { Execution } from "./protocol.js"
 * @import { CheckpointView, Connection, ExecutionView, State } from "./types.js"
 */
import { createContext, createElement, useContext, useEffect, useRef, useSyncExternalStore } from "react";
import { IDLE } from "./socket.js";
import { initialState, mayGive } from "./store.js";

const ClientContext = /** @type {Context<Client | null>} */ (createContext(/** @type {Client | null} */ (null)));

/**
 * Gives a client to the components below, and keeps it connected while mounted.
 * @param {{ client: Client, children?: ReactNode }} props
 * @returns {ReactElement}
 */
export function QuarterdeckProvider({ client, children }) {
  useEffect(() => client.hold(), [client]);
  return createElement(ClientContext.Provider, { value: client }, children);
}

/** The client of the provider above, where there is one. */
export const useNearestClient = () => useContext(ClientContext);

/** @returns {Client} */
export function useClient() {
  const client = useNearestClient();
  if (!client) throw new Error("useClient needs a <QuarterdeckProvider> above it");
  return client;
}

/**
 * Selects from the client's state; renders again only when the selection changes (arrays are compared by their members).
 * @template T
 * @param {(state: State) => T} select
 * @returns {T}
 */
export const useSelection = (select) => useSelectionOf(useClient(), select);

/**
 * Selects from the state of a client that is at hand.
 * @template T
 * @param {Client} client
 * @param {(state: State) => T} select
 * @returns {T}
 */
export function useSelectionOf(client, select) {
  const last = useRef(/** @type {{ state: State, select: (state: State) => T, value: T } | undefined} */ (undefined));
  const read = (/** @type {State} */ state) => {
    if (last.current?.state === state && last.current.select === select) return last.current.value;
    const fresh = select(state);
    const value = last.current && isSame(last.current.value, fresh) ? last.current.value : fresh;
    last.current = { state, select, value };
    return value;
  };
  return useSyncExternalStore(
    client.subscribe,
    () => read(client.getState()),
    () => read(initialState),
  );
}

/** How the socket stands. @returns {Connection} */
export function useConnection() {
  const client = useClient();
  return useSyncExternalStore(client.subscribe, client.getConnection, () => IDLE);
}

/**
 * An execution as it goes, watched while mounted.
 * @param {string | undefined} id
 * @returns {ExecutionView | undefined}
 */
export function useExecution(id) {
  const client = useClient();
  useEffect(() => (id === undefined ? undefined : client.watch(id)), [client, id]);
  return useSelection((state) => (id === undefined ? undefined : state.executions[id]));
}

/**
 * Every checkpoint that waits for a person, the nearest deadline first, then the oldest.
 * @param {(checkpoint: CheckpointView) => boolean} [filter]
 * @returns {readonly CheckpointView[]}
 */
export function useApprovals(filter = () => true) {
  const client = useClient();
  useEffect(() => client.inbox(), [client]);
  return useSelection((state) =>
    Object.values(state.checkpoints)
      .filter((c) => c.state === "open" && filter(c))
      .sort(byUrgency),
  );
}

/**
 * The executions that lists show, the newest first.
 * @returns {readonly Execution[]}
 */
export function useExecutions() {
  const client = useClient();
  useEffect(() => client.inbox(), [client]);
  return useSelection(newestFirst);
}

/** One checkpoint, open or decided. @param {string | undefined} id @returns {CheckpointView | undefined} */
export const useCheckpoint = (id) => useSelection((state) => (id === undefined ? undefined : state.checkpoints[id]));

/**
 * Whether the server takes a command from this person: about an execution, or at all.
 * @param {string} command
 * @param {string} [execution]
 */
export const useMay = (command, execution) => useSelection((state) => mayGive(state, command, execution));

/** What waits for this very person, in the order of `useApprovals`. */
export function useMyApprovals() {
  const client = useClient();
  return useApprovals((c) => mayGive(client.getState(), "decide", c.execution));
}

/** @param {State} state */
const newestFirst = (state) =>
  Object.values(state.summaries).sort((a, b) => order(b.created_at, a.created_at) || order(b.id, a.id));

/** @param {CheckpointView} a @param {CheckpointView} b */
export const byUrgency = (a, b) => order(a.deadline ?? "~", b.deadline ?? "~") || order(a.opened_at, b.opened_at);

/** By code, as times and ids are made to be ordered; by language, "~" would come before the digits. @param {string} a @param {string} b */
const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** @param {unknown} a @param {unknown} b */
function isSame(a, b) {
  if (Object.is(a, b)) return true;
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
}
