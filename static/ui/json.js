/** JSON as people read it. Works on the text: a number keeps every digit that it was written with. Pure. */

const TOKENS = /"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** The text with one value on a line, or the text itself where it is no JSON. @param {string} text */
export function pretty(text) {
  if (!isJson(text)) return text;
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  const tokens = text.match(TOKENS) ?? [];
  return tokens.map((token, i) => write(token, tokens[i - 1], tokens[i + 1])).join("");

  /** @param {string} token @param {string | undefined} before @param {string | undefined} after */
  function write(token, before, after) {
    if (token === "{" || token === "[") {
      depth += 1;
      return after === "}" || after === "]" ? token : token + line();
    }
    if (token === "}" || token === "]") {
      depth -= 1;
      return before === "{" || before === "[" ? token : line() + token;
    }
    return token === "," ? token + line() : token === ":" ? ": " : token;
  }
}

/** @param {string} text */
export function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The first whole number that a browser cannot keep: it would reach the tool as another one.
 * @param {string} text
 */
export const unsafeNumber = (text) =>
  (text.match(TOKENS) ?? []).find((token) => /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)));
