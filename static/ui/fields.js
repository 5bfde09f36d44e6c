/**
 * A form from a JSON Schema of an object: text, number, boolean and choice; anything else is written as JSON.
 * @typedef {{ type?: string, title?: string, description?: string, default?: unknown, enum?: unknown[], examples?: unknown[], format?: string, maxLength?: number, nullable?: boolean }} Property
 * @typedef {{ properties?: Record<string, Property>, required?: string[] }} ObjectSchema
 */
import { humanise } from "../client/states.js";
import { html } from "./html.js";
import { t } from "./i18n/index.js";

/**
 * Reads the typed values into what the schema asks for.
 * @param {ObjectSchema} schema
 * @param {Record<string, string>} typed
 * @returns {{ values: Record<string, unknown>, problems: Record<string, string> }}
 */
export function read(schema, typed) {
  /** @type {Record<string, unknown>} */ const values = {};
  /** @type {Record<string, string>} */ const problems = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const text = typed[name] ?? initial(property);
    if (text.trim() === "") {
      if (!schema.required?.includes(name)) continue;
      if (property.nullable) values[name] = null;
      else problems[name] = t("start.missing");
      continue;
    }
    const { value, problem } = parse(property, text);
    if (problem) problems[name] = problem;
    else values[name] = value;
  }
  return { values, problems };
}

/** @param {Property} property @param {string} text @returns {{ value?: unknown, problem?: string }} */
function parse(property, text) {
  if (property.enum) return { value: property.enum.find((choice) => String(choice) === text) };
  switch (property.type) {
    case undefined:
    case "string":
      return { value: text };
    case "boolean":
      return { value: text === "true" };
    case "number":
    case "integer": {
      const value = Number(text.replace(",", "."));
      return Number.isFinite(value) && (property.type === "number" || Number.isInteger(value))
        ? { value }
        : { problem: t("start.number") };
    }
    default:
      try {
        return { value: JSON.parse(text) };
      } catch {
        return { problem: t("start.json") };
      }
  }
}

/** @param {Property} property */
function initial(property) {
  if (property.default === undefined || property.default === null) return property.type === "boolean" ? "false" : "";
  return typeof property.default === "string" ? property.default : JSON.stringify(property.default);
}

/**
 * The fields of a form; `change` also tells which one was changed.
 * @param {{ schema: ObjectSchema, values: Record<string, string>, problems: Record<string, string>, change: (values: Record<string, string>, name: string) => void }} props
 */
export function Fields({ schema, values, problems, change }) {
  return Object.entries(schema.properties ?? {}).map(
    ([name, property]) => html`
    <${Field} key=${name} name=${name} property=${property} required=${Boolean(schema.required?.includes(name))} value=${values[name] ?? initial(property)} problem=${problems[name]}
      change=${(/** @type {string} */ value) => change({ ...values, [name]: value }, name)} />`,
  );
}

/**
 * @param {{ name: string, property: Property, required: boolean, value: string, problem: string | undefined, change: (value: string) => void }} props
 */
function Field({ name, property, required, value, problem, change }) {
  const id = `input-${name}`,
    hint = [property.description && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
  const shared = {
    id,
    name,
    "data-testid": id,
    required,
    "aria-describedby": hint || undefined,
    "aria-invalid": problem ? true : undefined,
  };
  const label = property.title ?? humanise(name);
  const typed = (/** @type {any} */ e) => change(e.target.value);
  const control = property.enum
    ? html`<select ...${shared} value=${value} onChange=${typed}>${(property.nullable || !property.enum.some((c) => String(c) === value)) && html`<option value="">${t("start.choose")}</option>`}${property.enum.map((c) => html`<option key=${String(c)} value=${String(c)}>${String(c)}</option>`)}</select>`
    : property.type === "number" || property.type === "integer"
      ? html`<input ...${shared} inputmode="decimal" value=${value} onInput=${typed} />`
      : isShort(name, property)
      ? html`<input ...${shared} list=${property.examples && `${id}-list`} value=${value} onInput=${typed} />
        ${property.examples && html`<datalist id=${`${id}-list`}>${property.examples.map((example) => html`<option key=${example} value=${example} />`)}</datalist>`}`
      : html`<textarea ...${shared} rows="3" class=${property.type && property.type !== "string" ? "code" : undefined} value=${value} onInput=${typed}></textarea>`;
  const check = html`<label class="check"><input type="checkbox" ...${shared} checked=${value === "true"} onChange=${(/** @type {any} */ e) => change(String(e.target.checked))} /> ${label}</label>`;
  return html`<div class="field">${property.type === "boolean" ? check : html`<label for=${id}>${label}</label>${control}`}
    ${property.description && html`<p class="hint" id=${`${id}-hint`}>${property.description}</p>`}
    ${problem && html`<p class="error" id=${`${id}-problem`} role="alert">${problem}</p>`}</div>`;
}

/** What people call things that fit on a line. */
const SHORT = /(^|[_-])(language|title|name|topic|tone|date|year|email|url|link|platform|brand)$/i;

/** Whether a text is written on one line: its schema says so, or its name does. @param {string} name @param {Property} property */
export const isShort = (name, property) =>
  (property.type ?? "string") === "string" &&
  (property.maxLength === undefined
    ? Boolean(property.format || property.examples) || SHORT.test(name)
    : property.maxLength <= 120);

/**
 * The problems but for the one of a field that was just changed.
 * @param {Record<string, string>} problems
 * @param {string} name
 */
export function without(problems, name) {
  const { [name]: _, ...others } = problems;
  return others;
}
