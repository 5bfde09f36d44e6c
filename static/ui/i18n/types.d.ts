import type en from "./en.js";

/** A key of the interface's copy; the singular of a key is chosen by its count, never named. */
export type Key = Exclude<keyof typeof en, `${string}_one`>;
