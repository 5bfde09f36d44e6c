"use client";
/**
 * A runtime of assistant-ui over the socket: messages start executions, answers to questions are decisions.
 * @import { AppendMessage, AssistantRuntime, ThreadMessageLike } from "@assistant-ui/react"
 * @import { Client } from "../../client/index.js"
 * @import { State } from "../../client/types.js"
 * @import { ApprovalAnswer } from "./approval.js"
 */
import { useExternalStoreRuntime } from "@assistant-ui/react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useNearestClient, useSelectionOf } from "../../client/react.js";
import { OVER } from "../../client/states.js";
import { crewFor, startOf } from "../compat/request.js";
import { sharedClient } from "../shared.js";
import { decisionOfApproval } from "./approval.js";
import { toMessages } from "./messages.js";

/**
 * @typedef {object} RuntimeOptions
 * @property {(executionId: string) => void} [onStarted] told the execution that a message began
 * @property {(error: unknown) => void} [onError] told what was refused; else it goes to the console
 * @property {string} [crew] which crew messages start; else the first that can run
 * @property {readonly string[]} [checkpoints] where it shall stop and ask; else wherever the crew offers to
 */

/**
 * Shows one execution as a chat. Uses the client of the `<QuarterdeckProvider>` above, else the page's shared one.
 * @param {string} [executionId] the one to show; else the one that the first message starts
 * @param {RuntimeOptions} [options]
 * @returns {AssistantRuntime}
 */
export function useHITLRuntime(executionId, options = {}) {
  const client = useNearestClient() ?? sharedClient();
  const [started, follow] = useState(/** @type {string | undefined} */ (undefined));
  const id = executionId ?? started,
    { run, messages } = useChat(client, id);
  const { onError = console.error } = options;

  return useExternalStoreRuntime({
    messages,
    convertMessage: keep,
    isRunning: run !== undefined && !OVER.has(run.state) && run.state !== "waiting",
    async onNew(message) {
      try {
        const execution = await begin(client, message, options);
        follow(execution);
        options.onStarted?.(execution);
      } catch (e) {
        onError(e);
      }
    },
    async onAddToolResult({ toolCallId, result }) {
      if (id !== undefined) await client.decide(decisionOf(id, toolCallId, result)).catch(onError);
    },
    .../** @type {object} */ ({
      /** From 0.15 on. @param {ApprovalAnswer} answer */
      async onRespondToToolApproval(answer) {
        if (id === undefined) return;
        const actions = client.getState().checkpoints[answer.approvalId.split(":")[0] ?? ""]?.actions ?? [];
        await client.decide(decisionOfApproval(id, actions, answer)).catch(onError);
      },
    }),
    async onCancel() {
      if (id !== undefined) await client.cancel(id).catch(onError);
    },
  });
}

const keep = (/** @type {ThreadMessageLike} */ message) => message;

/** @param {Client} client @param {string | undefined} id */
function useChat(client, id) {
  useEffect(() => client.hold(), [client]);
  useEffect(() => (id === undefined ? undefined : client.watch(id)), [client, id]);
  const select = useCallback((/** @type {State} */ s) => (id === undefined ? undefined : s.executions[id]), [id]);
  const run = useSelectionOf(client, select),
    checkpoints = useSelectionOf(client, allCheckpoints);
  const messages = useMemo(() => toMessages(run, checkpoints), [run, checkpoints]);
  return { run, messages };
}

const allCheckpoints = (/** @type {State} */ state) => state.checkpoints;

/** @param {Client} client @param {AppendMessage} message @param {RuntimeOptions} options */
async function begin(client, message, { crew: name, checkpoints }) {
  const words = message.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  const { items } = await client.list({ what: "crews" });
  const crew = crewFor(items, name);
  const asked = checkpoints ?? crew.checkpoints.map((c) => c.name);
  const { execution } = await client.start(startOf(crew, { message: words, checkpoints: [...asked] }));
  return execution;
}

/**
 * @param {string} execution
 * @param {string} toolCallId as `toMessages` makes it: the checkpoint and the version that was judged
 * @param {any} result
 */
function decisionOf(execution, toolCallId, result) {
  const [checkpoint = "", version] = toolCallId.split(":");
  return { ...result, execution, checkpoint, version: Number(version) };
}
