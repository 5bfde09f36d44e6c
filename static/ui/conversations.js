/**
 * Runs as conversations: those that follow each other in one thread of talk. Pure.
 * @import { Execution } from "../client/protocol.js"
 * @typedef {{ id: string, title: string, runs: readonly Execution[], latest: Execution }} Conversation runs oldest first
 */

/** A run without a conversation stands alone; one that follows it names it. @param {{ id: string, conversation?: string | null | undefined }} run */
export const conversationOf = (run) => run.conversation ?? run.id;

/**
 * The conversations, the one that was last spoken in first.
 * @param {Iterable<Execution>} runs
 * @returns {Conversation[]}
 */
export function conversationsOf(runs) {
  /** @type {Map<string, Execution[]>} */ const found = new Map();
  for (const run of [...runs].sort(byAge)) {
    const id = conversationOf(run),
      known = found.get(id);
    if (known) known.push(run);
    else found.set(id, [run]);
  }
  return [...found]
    .map(([id, all]) => {
      const [first, latest] = /** @type {[Execution, Execution]} */ ([all[0], all.at(-1)]);
      return { id, title: first.title, runs: all, latest };
    })
    .sort((a, b) => byAge(b.latest, a.latest));
}

/** @param {Execution} a @param {Execution} b */
const byAge = (a, b) => a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id);

/** Whether every word of a search is somewhere in the texts. @param {string} search @param {readonly (string | undefined)[]} texts */
export function matches(search, texts) {
  const all = texts.join("\n").toLocaleLowerCase();
  return search
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
