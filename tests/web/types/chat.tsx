/** A chat of assistant-ui, as an application writes it: 0.12 and newer. */
import { AssistantRuntimeProvider, type AssistantRuntime, type ThreadMessageLike } from "@assistant-ui/react";
import { CheckpointToolUI, toMessages, useHITLRuntime } from "@quarterdeck/client/assistant-ui";
import { useExecution } from "@quarterdeck/client/react";
import type { ReactNode } from "react";

export function Chat({ execution, children }: { execution?: string; children: ReactNode }) {
  const runtime: AssistantRuntime = useHITLRuntime(execution, { onStarted: (id) => history.pushState(null, "", id) });
  const messages: ThreadMessageLike[] = toMessages(useExecution(execution));
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <CheckpointToolUI />
      {messages.length}
      {children}
    </AssistantRuntimeProvider>
  );
}
