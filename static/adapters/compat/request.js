/**
 * What a request of the polling front end starts: the crew's own inputs, and checkpoints that it offers. Pure.
 * @import { Crew, Start } from "../../client/protocol.js"
 * @import { CrewRequest } from "./types.js"
 */

/** Where such a front end stops when its request does not say. */
const USUAL = ["after_planning", "after_analysis"];
/** What a crew is told that needs a language, when nobody chose one. */
const SAME_LANGUAGE = "the same language as the user's message";
/** What a crew is told that needs a text which nobody gave: an empty one counts as none. */
const BLANK = " ";
/** Inputs that are about what the person wrote, and are not it. */
const ASIDE = new Set(["campaign_context", "language", "output_language"]);

/** @typedef {{ type?: string }} Property */

/**
 * @param {Crew} crew
 * @param {CrewRequest} request
 * @returns {Omit<Start, "type" | "id" | "key">}
 */
export function startOf(crew, request) {
  const offered = new Set(crew.checkpoints.map((c) => c.name));
  return {
    crew: crew.name,
    inputs: inputsOf(crew.inputs, request),
    checkpoints: request.checkpoints ?? USUAL.filter((name) => offered.has(name)),
  };
}

/**
 * Fills the inputs of a crew, as the server's own `/api/crew` does: by name, the person's words where they belong, and
 * other texts only when those have their place. What is missing then is left out, and refused by the start.
 * @param {Record<string, any>} schema
 * @param {CrewRequest} request
 * @returns {Record<string, unknown>}
 */
export function inputsOf(schema, request) {
  const properties = /** @type {Record<string, Property>} */ (schema["properties"] ?? {}),
    required = /** @type {string[]} */ (schema["required"] ?? []);
  const words = [request.user_input, request.message].find((text) => text?.trim());
  const isText = (/** @type {string} */ name) => (properties[name]?.type ?? "string") === "string";
  const given = named(request),
    found = Object.fromEntries(Object.entries(given).filter(([name, value]) => name in properties && value));
  const home = homeOf(Object.keys(properties).filter((name) => !(name in found) && isText(name)), properties, required);
  const filled = home !== undefined && words !== undefined ? { ...found, [home]: words } : found;
  const isPlaced =
    Object.keys(filled).some((name) => !ASIDE.has(name)) && (!words || Object.values(filled).includes(words));
  const lacking = required.filter((name) => !(name in filled) && isText(name) && (isPlaced || ASIDE.has(name)));
  const supplied = lacking.map((name) => [name, name.endsWith("language") ? SAME_LANGUAGE : BLANK]);
  return { ...filled, ...Object.fromEntries(supplied) };
}

/**
 * Where the person's words belong: the input of that name, else the only text still asked for.
 * @param {readonly string[]} free texts that nothing fills yet
 * @param {Readonly<Record<string, Property>>} properties
 * @param {readonly string[]} required
 */
function homeOf(free, properties, required) {
  const name = ["user_input", "message"].find((known) => known in properties);
  if (name) return free.includes(name) ? name : undefined;
  const open = free.filter((known) => !ASIDE.has(known)),
    wanted = open.filter((known) => required.includes(known));
  return wanted.length === 1 ? wanted[0] : open.length === 1 ? open[0] : undefined;
}

/** @param {CrewRequest} request */
const named = ({ user_input, message, campaign_context, language }) => ({
  user_input,
  message,
  campaign_context,
  language,
  output_language: language,
});

/**
 * The crew that such a front end means: the one it names, else the first that can run.
 * @param {readonly Crew[]} crews
 * @param {string | undefined} name
 */
export function crewFor(crews, name) {
  const crew = name === undefined ? (crews.find((c) => !c.broken) ?? crews[0]) : crews.find((c) => c.name === name);
  if (!crew) throw new Error(name === undefined ? "The server has no crew" : `The server has no crew named ${name}`);
  return crew;
}
