/** The shapes of the polling front end, kept to the letter: components written for it compile and work unchanged. */

/** What a person may answer. */
export type Action = "continue" | "stop" | "revise" | "skip";

/** What starts an execution. `message` and `user_input` are two names for the person's words. */
export interface CrewRequest {
  message?: string;
  user_input?: string;
  campaign_context?: string;
  language?: string;
  checkpoints?: string[];
}

/** How an execution stands. `status`: pending, running, waiting_feedback, completed, error, cancelled or stopped. */
export interface ExecutionStatus {
  execution_id: string;
  status: string;
  current_checkpoint?: string;
  completed_checkpoints: string[];
  result?: any;
  error?: string;
}

/** The question that waits. `context.result_preview` begins the draft, `context.draft` is all of it. */
export interface CheckpointInfo {
  execution_id: string;
  checkpoint_id: string;
  checkpoint_name: string;
  description: string;
  context: Record<string, any>;
  status: string;
  created_at: string;
}
