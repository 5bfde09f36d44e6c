/**
 * A JSON Schema as a form can show it: references are followed, what may be null is optional, and what has no field of
 * its own becomes JSON. Pure.
 * @import { ObjectSchema, Property } from "./fields.js"
 * @typedef {Readonly<Record<string, any>>} Schema
 */

/** What has a field of its own. */
const SIMPLE = new Set(["string", "number", "integer", "boolean"]);

/**
 * The form of an object, or nothing where the schema is of another thing.
 * @param {Schema} schema
 * @returns {ObjectSchema | undefined}
 */
export function objectForm(schema) {
  const whole = follow(schema, schema);
  if (!whole["properties"] || !Object.keys(whole["properties"]).length) return undefined;
  const entries = Object.entries(whole["properties"]).map(([name, part]) => [name, property(part, schema)]);
  return { properties: Object.fromEntries(entries), required: whole["required"] ?? [] };
}

/**
 * One value, as a field shows it.
 * @param {Schema} part
 * @param {Schema} root where references point into
 * @returns {Property}
 */
export function property(part, root = part) {
  const found = follow(part, root);
  const choices = found["anyOf"] ?? found["oneOf"];
  if (!choices) return plain(found);
  const real = choices.filter((/** @type {Schema} */ choice) => choice["type"] !== "null");
  const { anyOf: _, oneOf: __, ...own } = found;
  if (real.length !== 1) return { ...own, type: "json" };
  return { ...property({ ...real[0], ...own }, root), nullable: real.length < choices.length };
}

/** @param {Schema} found @returns {Property} */
function plain(found) {
  if (found["const"] !== undefined) return { ...found, enum: [found["const"]] };
  const isSimple = found["type"] === undefined || SIMPLE.has(found["type"]);
  return found["enum"] || isSimple ? found : { ...found, type: "json" };
}

/**
 * What a reference within the same document means; a chain longer than this is a ring.
 * @param {Schema} part
 * @param {Schema} root
 * @param {number} left
 * @returns {Schema}
 */
function follow(part, root, left = 8) {
  const { $ref, allOf, ...own } = part;
  const next = typeof $ref === "string" ? at(root, $ref) : allOf?.length === 1 ? allOf[0] : undefined;
  if (next && left > 0) return follow({ ...next, ...own }, root, left - 1);
  return $ref || allOf ? { ...own, type: "json" } : own;
}

/** @param {Schema} root @param {string} ref @returns {Schema | undefined} */
const at = (root, ref) =>
  ref.startsWith("#/")
    ? ref
        .slice(2)
        .split("/")
        .reduce((/** @type {any} */ here, step) => here?.[step.replaceAll("~1", "/").replaceAll("~0", "~")], root)
    : undefined;
