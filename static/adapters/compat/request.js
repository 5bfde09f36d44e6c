/**
 * What a request of the polling front end starts: the crew's own inputs, and checkpoints that it offers. Pure.
 * @import { Crew, Start } from "../../client/protocol.js"
 * @import { CrewRequest } from "./types.js"
 */

/** Where such a front end stops when its request does not say. */
const USUAL = ["after_planning", "after_analysis"];
/** What is meant when the crew wants a language and the request names none. */
const SAME_LANGUAGE = "the same language as the user's message";

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
 * Fills the inputs of a crew. The person's words go to the input named `user_input` or `message`, else to the only
 * text that is required; what the crew requires besides and nobody gave is empty.
 * @param {Record<string, any>} schema
 * @param {CrewRequest} request
 * @returns {Record<string, unknown>}
 */
export function inputsOf(schema, request) {
  const properties = /** @type {Record<string, { type?: string }>} */ (schema["properties"] ?? {}),
    required = /** @type {string[]} */ (schema["required"] ?? []);
  const words = request.user_input ?? request.message ?? "",
    given = Object.entries(named(request, words)).filter(([name, value]) => name in properties && value !== undefined);
  const inputs = Object.fromEntries(given);
  const missing = required.filter((name) => !(name in inputs)),
    spoken = "user_input" in inputs || "message" in inputs;
  const texts = missing.filter((name) => !isAbout(name) && (properties[name]?.type ?? "string") === "string");
  const filled = !spoken && texts.length === 1 ? { [String(texts[0])]: words } : {};
  const empty = missing.map((name) => [name, name.endsWith("language") ? SAME_LANGUAGE : ""]);
  return { ...Object.fromEntries(empty), ...inputs, ...filled };
}

/** Inputs that say how, not what. @param {string} name */
const isAbout = (name) => name === "campaign_context" || name === "language" || name === "output_language";

/** @param {CrewRequest} request @param {string} words */
const named = ({ campaign_context, language }, words) => ({
  user_input: words,
  message: words,
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
