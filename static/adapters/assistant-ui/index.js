"use client";
/** An execution as a chat of assistant-ui, versions 0.12 and newer. */
export { CheckpointToolUI } from "./card.js";
export { toMessages } from "./messages.js";
export { useHITLRuntime } from "./runtime.js";
/** @typedef {import("./runtime.js").RuntimeOptions} RuntimeOptions */
