/** A long list that grows: it is put on the page in pieces, and only the pieces that changed are looked at again. */
import { useEffect, useState } from "react";

/** Members of a piece. */
const SIZE = 100;
/** Members that one frame may add. */
const STEP = 24;

/**
 * @template T
 * @param {readonly T[]} all
 * @returns {(readonly T[])[]}
 */
export const chunked = (all) => Array.from({ length: Math.ceil(all.length / SIZE) }, (_, i) => all.slice(i * SIZE, (i + 1) * SIZE));

/** Whether two lists have the same members. @param {readonly unknown[]} a @param {readonly unknown[]} b */
export const isSame = (a, b) => a === b || (a.length === b.length && a.every((member, i) => member === b[i]));

/** How many of `total` are on the page by now: all, but for the frames in which many came. @param {number} total */
export function useGrowing(total) {
  const [shown, grow] = useState(STEP);
  useEffect(() => {
    if (shown >= total) return undefined;
    const frame = requestAnimationFrame(() => grow(shown + STEP));
    return () => cancelAnimationFrame(frame);
  }, [shown, total]);
  return Math.min(shown, total);
}
