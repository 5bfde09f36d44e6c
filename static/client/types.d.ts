/** What the client makes of the frames: the shapes that pages render. The frames themselves are in protocol.d.ts. */
import type { Actor, Checkpoint, Crew, Execution, Fault, Origin, Rights, Usage, Viewer } from "./protocol.js";

/** Something that may be absent. */
export type Maybe<T> = T | null | undefined;

/** A stretch of time in milliseconds since 1970; without `to` it goes on. */
export interface Span {
  readonly from: number;
  readonly to?: number;
}

/** A task with the times the crew worked on it. `state`: pending, running, completed, skipped, failed. `file`: what it wrote. */
export interface TaskView {
  readonly name: string;
  readonly index: number;
  readonly title: string;
  readonly agent?: Maybe<string>;
  readonly state: string;
  readonly round: number;
  readonly work: readonly Span[];
  readonly usage?: Maybe<Usage>;
  readonly file?: Maybe<string>;
}

/** Text of one LLM call as it arrives. `holed`: some of it was never received; the task's event brings the whole text. */
export interface Stream {
  readonly stream: string;
  readonly task?: Maybe<string>;
  readonly agent?: Maybe<string>;
  readonly text: string;
  readonly next: number;
  readonly holed: boolean;
}

/** Something in the thread. Items stand in the order of the log. */
export type Item = { readonly key: string; readonly at: string; readonly offset: number; readonly by?: Maybe<Actor> } & (
  | { readonly kind: "task"; readonly task: string; readonly round: number; readonly text?: Maybe<string> }
  | { readonly kind: "tool"; readonly call: string; readonly tool: string; readonly arguments: unknown; readonly state: "running" | "done" | "failed"; readonly result?: Maybe<string> }
  | { readonly kind: "question"; readonly checkpoint: string; readonly version: number; readonly title: string }
  | { readonly kind: "decision"; readonly checkpoint: string; readonly version: number; readonly title: string; readonly action: string; readonly feedback?: Maybe<string>; readonly diff?: Maybe<string>; readonly response?: unknown }
  | { readonly kind: "comment"; readonly checkpoint: string; readonly text: string }
  | { readonly kind: "notice"; readonly event: string; readonly text?: Maybe<string> }
);

/** An execution as a page shows it. `missing`: events that were pushed past us; the client asks for them again. */
export interface ExecutionView {
  readonly id: string;
  readonly crew: string;
  readonly title: string;
  readonly state: Execution["state"];
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly conversation?: Maybe<string>;
  readonly forkedFrom?: Maybe<Origin>;
  readonly epoch: string;
  readonly offset: number;
  readonly createdAt: string;
  readonly endedAt?: Maybe<string>;
  readonly tasks: readonly TaskView[];
  readonly items: readonly Item[];
  readonly streams: Readonly<Record<string, Stream>>;
  /** Tasks whose clock a question stopped, by checkpoint. */
  readonly held: Readonly<Record<string, string>>;
  readonly usage: Usage;
  /** It waits without a worker: nothing of it is in memory. */
  readonly parked?: boolean;
  readonly waited?: Maybe<number>;
  readonly output?: Maybe<string>;
  readonly error?: Maybe<Fault>;
  readonly missing?: { readonly from: number; readonly to: number };
}

/** A checkpoint with the times people held it, who looks at it, and how it was decided. */
export interface CheckpointView extends Checkpoint {
  readonly waits: readonly Span[];
  readonly viewers: readonly Viewer[];
  readonly decision?: { readonly action: string; readonly version: number; readonly at: string; readonly by?: Maybe<Actor>; readonly feedback?: Maybe<string> };
}

/**
 * Who this client is: its connection, and the person it speaks for. `isOpen`: the server tells nobody from anybody.
 * `rights`: which commands it may give; without them all.
 */
export interface Self {
  readonly connection?: string;
  readonly person?: Maybe<Actor>;
  readonly isOpen?: boolean;
  readonly rights?: Maybe<Rights>;
  /** The connections that this client had before, newest first. */
  readonly former?: readonly string[];
}

/**
 * Everything a client knows. `summaries` are executions as lists show them; `watched` ones also have a view;
 * `refused` ones could not be watched.
 */
export interface State {
  readonly executions: Readonly<Record<string, ExecutionView>>;
  readonly checkpoints: Readonly<Record<string, CheckpointView>>;
  readonly summaries: Readonly<Record<string, Execution>>;
  readonly watched: Readonly<Record<string, "catching-up" | "live">>;
  readonly refused: Readonly<Record<string, { readonly code: string; readonly message: string }>>;
  readonly crews: readonly Crew[];
  readonly self: Self;
  /** Where the list of executions goes on; empty at its end, absent before it was read. */
  readonly older?: string | undefined;
}

/** How the socket stands. `closed`: the server does not want this client back; only `retryNow()` tries again. */
export interface Connection {
  readonly phase: "idle" | "connecting" | "open" | "waiting" | "closed";
  readonly attempt: number;
  readonly retryAt?: Maybe<number>;
  readonly code?: Maybe<number>;
  readonly reason?: Maybe<string>;
}
