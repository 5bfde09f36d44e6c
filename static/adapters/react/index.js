"use client";
/** What React applications import: the provider, the hooks, and the card without a look. */
export {
  QuarterdeckProvider,
  useApprovals,
  useCheckpoint as useCheckpointView,
  useClient,
  useConnection,
  useExecution,
  useExecutions,
  useMay,
  useMyApprovals,
  useSelection,
} from "../../client/react.js";
export { usePresence } from "../../client/presence.js";
export { Checkpoint } from "./checkpoint.js";
export { useCheckpoint } from "./use-checkpoint.js";
/** @typedef {import("./checkpoint.js").CheckpointApi} CheckpointApi */
/** @typedef {import("./phase.js").Phase} Phase */
/** @typedef {import("./use-checkpoint.js").CheckpointState} CheckpointState */
