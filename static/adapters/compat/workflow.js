"use client";
/**
 * The hook of the polling front end, over the socket.
 * @import { Client } from "../../client/index.js"
 * @import { State } from "../../client/types.js"
 * @import { Action, CheckpointInfo, CrewRequest, ExecutionStatus } from "./types.js"
 */
import { useCallback, useEffect, useMemo, useState } from "react";
import { useNearestClient, useSelectionOf } from "../../client/react.js";
import { sharedClient } from "../shared.js";
import { answerOf, checkpointsOf, infoOf, openOf, statusOf } from "./mapping.js";
import { crewFor, startOf } from "./request.js";

/**
 * Runs one execution: starts it, follows it, answers its questions. Uses the client of the `<QuarterdeckProvider>`
 * above, else one that all such hooks of the page share.
 * @param {{ crew?: string }} [options] which crew; else the first that can run
 */
export function useHITLWorkflow({ crew } = {}) {
  const client = useNearestClient() ?? sharedClient();
  const [executionId, setExecutionId] = useState(/** @type {string | null} */ (null));
  const { loading, error, attempt } = useAttempt();
  const { status, checkpoint } = useFollowed(client, executionId);

  const startExecution = useCallback(
    (/** @type {CrewRequest} */ request) =>
      attempt(async () => {
        const { items } = await client.list({ what: "crews" });
        const { execution } = await client.start(startOf(crewFor(items, crew), request));
        setExecutionId(execution);
      }),
    [client, crew, attempt],
  );
  const submitFeedback = useCallback(
    /** @param {string} checkpointId @param {Action} action @param {string} [feedback] */
    (checkpointId, action, feedback) =>
      attempt(() => answer(client, executionId, { checkpointId, action, feedback })),
    [client, executionId, attempt],
  );
  return { executionId, status, checkpoint, loading, error, startExecution, submitFeedback };
}

/** What is under way, and what went wrong: a failure is shown, never thrown. */
function useAttempt() {
  const [underWay, count] = useState(0),
    [error, fail] = useState(/** @type {string | null} */ (null));
  const attempt = useCallback(async (/** @type {() => Promise<void>} */ work) => {
    count((n) => n + 1);
    fail(null);
    try {
      await work();
    } catch (e) {
      fail(e instanceof Error ? e.message : String(e));
    } finally {
      count((n) => n - 1);
    }
  }, []);
  return { loading: underWay > 0, error, attempt };
}

/**
 * @param {Client} client
 * @param {string | null} id
 * @returns {{ status: ExecutionStatus | null, checkpoint: CheckpointInfo | null }}
 */
function useFollowed(client, id) {
  useEffect(() => client.hold(), [client]);
  useEffect(() => (id === null ? undefined : client.watch(id)), [client, id]);
  const select = useCallback((/** @type {State} */ s) => (id === null ? undefined : s.executions[id]), [id]),
    selectAll = useCallback((/** @type {State} */ s) => (id === null ? [] : checkpointsOf(s, id)), [id]);
  const run = useSelectionOf(client, select),
    all = useSelectionOf(client, selectAll);
  return useMemo(() => {
    const open = openOf(all);
    return { status: id === null ? null : statusOf(id, run, all), checkpoint: open ? infoOf(open) : null };
  }, [id, run, all]);
}

/**
 * Answers the version that is shown. Such front ends may send a checkpoint's name for its id.
 * @param {Client} client
 * @param {string | null} execution
 * @param {{ checkpointId: string, action: Action, feedback: string | undefined }} what
 */
async function answer(client, execution, { checkpointId, action, feedback }) {
  if (execution === null) throw new Error("No execution has been started");
  const all = checkpointsOf(client.getState(), execution);
  const asked = all.find((c) => c.id === checkpointId) ?? all.find((c) => c.state === "open" && c.name === checkpointId);
  await client.decide({
    execution,
    checkpoint: asked?.id ?? checkpointId,
    ...(asked && { version: asked.version }),
    ...answerOf(action, feedback, asked),
  });
}
