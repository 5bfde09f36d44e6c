/** Those who are told when something changes: each hears of it until the function that `listen` gave is called. */
export function makeListeners() {
  /** @type {Set<() => void>} */ const all = new Set();
  return {
    listen: (/** @type {() => void} */ f) => {
      all.add(f);
      return () => void all.delete(f);
    },
    tell: () => {
      for (const listener of all) listener();
    },
  };
}
