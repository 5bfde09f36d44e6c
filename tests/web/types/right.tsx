/** What the README of the package promises, as an application would write it. */
import { CommandError, createClient, initialState, reduce, type Client } from "@quarterdeck/client";
import {
  Checkpoint,
  QuarterdeckProvider,
  useApprovals,
  useCheckpoint,
  useClient,
  useConnection,
  useExecution,
  useExecutions,
  useSelection,
  type CheckpointApi,
} from "@quarterdeck/client/react";
import { createWebhooks } from "@quarterdeck/client/webhooks";

const client: Client = createClient({ url: "ws://127.0.0.1:8000/ws", token: async () => "secret" });

export async function run(signal: AbortSignal): Promise<string> {
  const release = client.hold();
  try {
    const { execution } = await client.start({ crew: "content", inputs: { topic: "Kopi" } }, { signal });
    await client.decide({ execution, checkpoint: "cp_1", action: "approve", version: 1 }, { signal, timeout: 5_000 });
    await client.fork({ execution, checkpoint: "cp_1", action: "revise", feedback: "Shorter" });
    const { checkpoints } = await client.get(execution);
    return checkpoints[0]?.draft.text ?? "";
  } catch (e) {
    if (e instanceof CommandError && e.code === "already_decided") return String(e.detail["by"]);
    throw e;
  } finally {
    release();
  }
}

export async function undelivered(execution: string): Promise<readonly string[]> {
  const { deliveries, resend } = createWebhooks(client);
  const { items, next } = await deliveries(execution, { limit: 20, timeout: 5_000 });
  const failed = items.filter(({ state }) => state === "failed");
  for (const { id } of failed) await resend(execution, id);
  return failed.map(({ host, attempts }) => `${host}: ${attempts.at(-1)?.error ?? next}`);
}

export const state = reduce(initialState, { type: "ping", at: "2026-11-23T08:00:00.000Z" });

function Card(card: CheckpointApi) {
  return (
    <section {...card.getRootProps()}>
      <h2 {...card.getTitleProps()}>{card.checkpoint.title}</h2>
      <textarea {...card.getEditorProps()} />
      <label {...card.getNoteLabelProps()}>Note</label>
      <input {...card.getNoteProps()} />
      {card.error && <p {...card.getErrorProps()}>{card.error.message}</p>}
      {card.checkpoint.actions.map((action) => (
        <button key={action.id} {...card.getActionProps(action)}>
          {card.asked === action.id ? `${action.label}?` : action.label}
        </button>
      ))}
      {card.remaining !== null && <time>{card.remaining} s</time>}
    </section>
  );
}

function Desk() {
  const approvals = useApprovals((c) => c.name === "after_planning"),
    executions = useExecutions(),
    run = useExecution(approvals[0]?.execution),
    first = useCheckpoint(approvals[0]?.id),
    crews = useSelection((all) => all.crews),
    connection = useConnection();
  const desk = useClient();
  return (
    <main data-phase={first?.phase} data-crews={crews.length} data-executions={executions.length}>
      <button onClick={desk.retryNow}>{connection.phase}</button>
      <h1>{run?.title}</h1>
      {approvals.map((c) => (
        <Checkpoint key={c.id} id={c.id} fallback={<p>…</p>}>
          {Card}
        </Checkpoint>
      ))}
    </main>
  );
}

export const App = () => (
  <QuarterdeckProvider client={client}>
    <Desk />
  </QuarterdeckProvider>
);
