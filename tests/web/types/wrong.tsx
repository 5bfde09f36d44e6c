/** Mistakes that must not compile: one on each line that ends in a number. */
import { createClient } from "@quarterdeck/client";
import { CheckpointApproval, useHITLWorkflow } from "@quarterdeck/client/compat";
import { Checkpoint, useCheckpoint, useExecution } from "@quarterdeck/client/react";

export function Wrong() {
  const { checkpoint, status, startExecution, submitFeedback } = useHITLWorkflow();
  startExecution({ messages: "Kopi" }); // 1
  submitFeedback("cp_1", "approved"); // 2
  checkpoint.checkpoint_id; // 3
  status?.state; // 4
  createClient({ address: "ws://server/ws" }); // 5
  createClient({ url: "ws://server/ws" }).decide({ execution: "x_1", checkpoint: "cp_1" }); // 6
  useCheckpoint("cp_1")?.phase === "open?"; // 7
  useExecution(7); // 8
  return (
    <>
      <CheckpointApproval onSubmit={() => {}} loading={false} />{/* 9 */}
      <Checkpoint id="cp_1">{(card) => <p>{card.nothing}</p>}</Checkpoint>{/* 10 */}
    </>
  );
}
