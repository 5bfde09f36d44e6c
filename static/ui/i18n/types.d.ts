import type en from "./en.js";
import type run from "./en-run.js";

/** A key of the interface's copy; the singular of a key is chosen by its count, never named. */
export type Key = Exclude<keyof typeof en | keyof typeof run, `${string}_one`>;
