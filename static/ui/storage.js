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

/** What a person set for this browser. @param {string} name */
export const setting = (name) => ifAllowed(() => localStorage.getItem(`quarterdeck.${name}`));

/** @param {string} name @param {string} value */
export const keepSetting = (name, value) => ifAllowed(() => localStorage.setItem(`quarterdeck.${name}`, value));
