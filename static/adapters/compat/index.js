"use client";
/** A drop-in for front ends that polled: the same hook and the same component, over the socket. */
export { CheckpointApproval } from "./approval.js";
export { sharedClient } from "../shared.js";
export { useHITLWorkflow } from "./workflow.js";
/** @typedef {import("./types.js").Action} Action */
/** @typedef {import("./types.js").CheckpointInfo} CheckpointInfo */
/** @typedef {import("./types.js").CrewRequest} CrewRequest */
/** @typedef {import("./types.js").ExecutionStatus} ExecutionStatus */
