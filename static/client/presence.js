"use client";
/**
 * Telling the others that a person looks at a checkpoint, or writes there.
 * @import { CheckpointView } from "./types.js"
 */
import { useEffect, useRef, useState } from "react";
import { useClient } from "./react.js";

/** Who typed nothing for so long does not edit any more, in milliseconds. */
const IDLE = 20_000;

/**
 * Shows this person to the others at an open checkpoint, while mounted; as editing, for a while after each change of
 * what was `typed`.
 * @param {CheckpointView | undefined} checkpoint
 * @param {unknown} [typed]
 * @param {boolean} [on] whether the person is to be seen, and is there: false while the page is out of sight
 */
export function usePresence(checkpoint, typed, on = true) {
  const client = useClient(),
    isEditing = useRecent(typed, checkpoint?.id);
  const execution = checkpoint?.execution ?? "",
    id = checkpoint?.id ?? "",
    isThere = on && checkpoint?.state === "open";
  useEffect(() => {
    if (isThere) client.view({ execution, checkpoint: id, state: isEditing ? "editing" : "viewing" });
  }, [client, execution, id, isThere, isEditing]);
  useEffect(() => (isThere ? () => client.view({ execution, checkpoint: id, state: null }) : undefined), [client, execution, id, isThere]);
}

/** True for a while after each change of the value of one thing. @param {unknown} value @param {string | undefined} of */
function useRecent(value, of) {
  const [recent, set] = useState(false);
  const before = useRef({ value, of });
  useEffect(() => {
    const { value: last, of: thing } = before.current;
    before.current = { value, of };
    if (thing !== of) return set(false); // what was typed there before is shown: nobody types
    if (last === value) return undefined;
    set(true);
    const timer = setTimeout(set, IDLE, false);
    return () => clearTimeout(timer);
  }, [value, of]);
  return recent;
}
