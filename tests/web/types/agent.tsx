/** An agent of AG-UI over the socket, as an application writes it. */
import { createClient } from "@quarterdeck/client";
import { QuarterdeckAgent, type Quarterdeck } from "@quarterdeck/client/ag-ui";

const where: Quarterdeck = { crew: "content", url: "ws://127.0.0.1:8000/ws", token: async () => "secret" };
export const agent = new QuarterdeckAgent({ ...where, threadId: "thread-1" });
export const other = new QuarterdeckAgent({ crew: "content", client: createClient({ url: "ws://127.0.0.1:8000/ws" }) });

export async function campaign(words: string, approve: (question: string) => boolean): Promise<string> {
  agent.addMessage({ id: crypto.randomUUID(), role: "user", content: words });
  let { result } = await agent.runAgent({ forwardedProps: { checkpoints: ["after_planning"] } });
  while (agent.pendingInterrupts.length)
    ({ result } = await agent.runAgent({
      resume: agent.pendingInterrupts.map(({ id, message }) => ({
        interruptId: id,
        status: "resolved" as const,
        payload: { approved: approve(message ?? "") },
      })),
    }));
  return result.output;
}
