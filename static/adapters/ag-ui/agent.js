/**
 * An agent of AG-UI over one WebSocket.
 * @import { AgentCapabilities, AgentConfig, BaseEvent, RunAgentInput } from "@ag-ui/client"
 * @import { Client, ClientOptions } from "../../client/index.js"
 * @import { Setting } from "./run.js"
 */
import { AbstractAgent } from "@ag-ui/client";
import { Observable } from "rxjs";
import { createClient } from "../../client/index.js";
import { attachOver, runOver } from "./run.js";

/** @typedef {{ crew: string } & ({ client: Client } | ClientOptions)} Quarterdeck which crew, and the client, or how to make one */

/**
 * Runs a crew, over every lost connection: a thread is an execution (and those that follow it), a run the stretch up to
 * its next checkpoint, an interrupt a checkpoint. To abort a run is to listen no longer: the execution goes on.
 */
export class QuarterdeckAgent extends AbstractAgent {
  /** @param {Quarterdeck & AgentConfig} config */
  constructor(config) {
    super(config);
    this.crew = config.crew;
    /** @type {Client} */ this.client = "client" in config ? config.client : createClient(config);
    this.ends = new AbortController();
  }

  /**
   * Starts an execution, answers its interrupts (`resume`), or attaches to it.
   * @param {RunAgentInput} input
   * @returns {Observable<BaseEvent>}
   */
  run(input) {
    return told(this, runOver, input);
  }

  /**
   * Attaches to what the thread has, without starting anything.
   * @override
   * @param {RunAgentInput} input
   * @returns {Observable<BaseEvent>}
   */
  connect(input) {
    return told(this, attachOver, input);
  }

  /** Listens no longer; nothing is decided by that. @override */
  abortRun() {
    this.ends.abort();
    super.abortRun();
  }

  /** @override @returns {Promise<AgentCapabilities>} */
  async getCapabilities() {
    return {
      transport: { streaming: true, websocket: true, resumable: true },
      humanInTheLoop: { supported: true, approvals: true, feedback: true, interrupts: true, approveWithEdits: true },
    };
  }

  /** @override @returns {QuarterdeckAgent} */
  clone() {
    const cloned = super.clone();
    return Object.assign(cloned, { crew: this.crew, client: this.client, ends: new AbortController() });
  }
}

/**
 * What a run tells. Whoever unsubscribes ends the listening, not the execution.
 * @param {QuarterdeckAgent} agent
 * @param {(setting: Setting) => Promise<void>} how
 * @param {RunAgentInput} input
 * @returns {Observable<BaseEvent>}
 */
function told(agent, how, input) {
  return new Observable((subscriber) => {
    const ends = (agent.ends = new AbortController());
    const emit = (/** @type {any[]} */ events) => events.forEach((event) => subscriber.next(event));
    how({ client: agent.client, crew: agent.crew, input, emit, signal: ends.signal }).then(
      () => subscriber.complete(),
      (error) => subscriber.error(error),
    );
    return () => ends.abort();
  });
}
