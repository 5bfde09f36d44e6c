/** A page of a front end that polled, with the types it declares itself; only the module it imports from is another. */
import { useState, type FC, type FormEvent } from "react";
import { CheckpointApproval, useHITLWorkflow } from "@quarterdeck/client/compat";

type Action = "continue" | "stop" | "revise" | "skip";

interface CrewRequest {
  message?: string;
  user_input?: string;
  campaign_context?: string;
  language?: string;
  checkpoints?: string[];
}

interface ExecutionStatus {
  execution_id: string;
  status: string;
  current_checkpoint?: string;
  completed_checkpoints: string[];
  result?: any;
  error?: string;
}

interface CheckpointInfo {
  execution_id: string;
  checkpoint_id: string;
  checkpoint_name: string;
  description: string;
  context: Record<string, any>;
  status: string;
  created_at: string;
}

interface Workflow {
  executionId: string | null;
  status: ExecutionStatus | null;
  checkpoint: CheckpointInfo | null;
  loading: boolean;
  error: string | null;
  startExecution(request: CrewRequest): Promise<void>;
  submitFeedback(checkpointId: string, action: Action, feedback?: string): Promise<void>;
}

interface CheckpointApprovalProps {
  checkpoint: CheckpointInfo;
  onSubmit: (action: Action, feedback?: string) => void;
  loading: boolean;
}

export const useWorkflow: () => Workflow = useHITLWorkflow;
export const Approval: FC<CheckpointApprovalProps> = CheckpointApproval;

/** A card of the front end's own goes on working, too. */
const OwnCard: FC<CheckpointApprovalProps> = ({ checkpoint, onSubmit, loading }) => (
  <div className="own">
    <h3>{checkpoint.checkpoint_name}</h3>
    <pre>{JSON.stringify(checkpoint.context, null, 2)}</pre>
    <button disabled={loading} onClick={() => onSubmit("continue")}>
      Continue
    </button>
  </div>
);

export default function CampaignPage({ own = false }: { own?: boolean }) {
  const { executionId, status, checkpoint, loading, error, startExecution, submitFeedback } = useHITLWorkflow();
  const [message, setMessage] = useState("");
  const start = async (e: FormEvent) => {
    e.preventDefault();
    await startExecution({ message, language: "English", checkpoints: ["after_planning"] });
  };
  const submit = (action: Action, feedback?: string) => {
    if (checkpoint) submitFeedback(checkpoint.checkpoint_id, action, feedback);
  };
  const skip = () => checkpoint && submitFeedback(checkpoint.checkpoint_id, "skip");
  return (
    <main onDoubleClick={skip}>
      <form onSubmit={start}>
        <input name="message" value={message} onChange={(e) => setMessage(e.target.value)} />
        <button disabled={loading}>Start</button>
      </form>
      {error && <p className="error">{error}</p>}
      {executionId && <p className="status">{status?.status ?? "none"}</p>}
      {checkpoint && own && <OwnCard checkpoint={checkpoint} onSubmit={submit} loading={loading} />}
      {checkpoint && !own && (
        <CheckpointApproval
          checkpoint={checkpoint}
          onSubmit={(action, feedback) => submitFeedback(checkpoint.checkpoint_id, action, feedback)}
          loading={loading}
        />
      )}
      {status?.status === "completed" && <pre className="result">{status.result.output}</pre>}
      <p>{status?.completed_checkpoints.length} decided</p>
    </main>
  );
}
