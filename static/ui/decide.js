/**
 * Sending a decision: the page says “Sending…” until the server's event comes, and keeps every word when it is refused.
 * @import { CheckpointView } from "../client/types.js"
 */
import { useEffect, useRef, useState } from "react";
import { CommandError } from "../client/index.js";
import { useClient } from "../client/react.js";
import { t, tOr } from "./i18n/index.js";
import { claim, nameOf } from "./people.js";
import { fromHere } from "./router.js";
import { dropSent, markSent } from "./words.js";

/**
 * @typedef {{ action: string, feedback?: string, output?: string, arguments?: Record<string, unknown>, response?: unknown }} Answer
 */

/**
 * @param {CheckpointView} c
 * @param {boolean} [again] it was decided already: another answer begins another run
 */
export function useDecide(c, again = false) {
  const client = useClient();
  const [sending, send] = useState(""),
    [error, fail] = useState("");
  const control = useRef(/** @type {AbortController | undefined} */ (undefined));
  useEffect(() => {
    send("");
    fail("");
  }, [c.version, c.state]);

  /**
   * @param {Answer} answer
   * @param {(fields: Record<string, string>) => void} [misfit] told what does not fit, by field
   */
  async function decide(answer, misfit) {
    const unclaim = again ? () => undefined : claim(c.id, c.version);
    const goOn = fromHere();
    control.current = new AbortController();
    send(answer.action);
    markSent(wordsKey(c, again));
    fail("");
    try {
      const decision = { execution: c.execution, checkpoint: c.id, version: c.version, ...answer },
        limits = { signal: control.current.signal };
      if (again) follow(await client.fork(decision, limits), goOn);
      else await client.decide(decision, limits);
      dropSent(wordsKey(c, again));
    } catch (e) {
      unclaim();
      send("");
      if (e instanceof CommandError) {
        fail(explain(e));
        misfit?.(/** @type {Record<string, string>} */ (e.detail["fields"] ?? {}));
      }
      else if (!control.current.signal.aborted) throw e;
    }
  }
  /** @param {any} fork the server tells at which offset the answer stands in its log @param {ReturnType<typeof fromHere>} goOn */
  function follow(fork, goOn) {
    claim(`${fork.execution}@${fork.offset}`, c.version);
    goOn({ execution: fork.execution });
  }
  return { decide, sending, error, fail, takeBack: () => control.current?.abort() };
}

/** Under which name the words at a checkpoint are kept. @param {CheckpointView} c @param {boolean} again */
export const wordsKey = (c, again) => (again ? `again:${c.id}` : c.id);

/** @param {CommandError} e */
function explain(e) {
  const by = /** @type {{ id: string, name: string } | undefined} */ (e.detail["by"]);
  return tOr(`error.${e.code}`, e.message, { who: nameOf(by), message: e.message });
}

/**
 * True for the first half second of anything new: a click or key meant for something else must not decide.
 * @param {string} what
 */
export function useInert(what) {
  const [settled, settle] = useState("");
  useEffect(() => {
    const timer = setTimeout(settle, 500, what);
    return () => clearTimeout(timer);
  }, [what]);
  return settled !== what;
}

export const connectedLabel = (/** @type {string} */ label, /** @type {boolean} */ open) =>
  open ? label : t("card.offline", { action: label });
