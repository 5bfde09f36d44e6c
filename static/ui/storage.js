/**
 * Uses the browser's storage, which may be forbidden or full: then nothing is kept beyond the page.
 * @template T
 * @param {() => T} use
 * @returns {T | undefined}
 */
export function ifAllowed(use) {
  try {
    return use();
  } catch (e) {
    if (e instanceof DOMException) return undefined;
    throw e;
  }
}
