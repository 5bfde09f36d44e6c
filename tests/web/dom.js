/** A page for React, without a browser: what is on it, and a person's hands. */
import { createRequire } from "node:module";
import { mock } from "node:test";
import { latest } from "./support.js";

const load = createRequire(new URL("../../static/package.json", import.meta.url));
const { Window } = load("happy-dom");
const window = new Window({ url: "http://desk.example/review" });
for (const name of ["document", "navigator", "HTMLElement", "Element", "Node", "Event", "location"])
  Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
Object.assign(globalThis, { window, IS_REACT_ACT_ENVIRONMENT: true });

export const React = load("react");
const { createRoot, hydrateRoot } = load("react-dom/client"),
  { renderToString } = load("react-dom/server");
export const h = React.createElement,
  act = React.act;

/** Time passes. @param {number} ms */
export const tick = (ms) => act(async () => mock.timers.tick(ms));
/** The server speaks, and a frame is painted. @param {object[]} frames */
export const push = (...frames) =>
  act(async () => {
    latest().push(...frames);
    mock.timers.tick(16);
  });
/** The server answers the newest command of a type. @param {string} type @param {object} data */
export const reply = (type, data) => act(async () => latest().reply(type, data));

/**
 * Puts an element on a fresh page.
 * @param {object} element
 * @param {{ hydrate?: boolean }} [options] `hydrate`: as a server rendered it first; `problems` are what did not match
 */
export async function mount(element, { hydrate = false } = {}) {
  const container = window.document.createElement("div"),
    problems = /** @type {unknown[]} */ ([]);
  window.document.body.replaceChildren(container);
  const onRecoverableError = (/** @type {unknown} */ e) => void problems.push(e);
  if (hydrate) container.innerHTML = renderToString(element);
  const html = container.innerHTML;
  /** @type {any} */ let root;
  await act(async () => {
    root = hydrate ? hydrateRoot(container, element, { onRecoverableError }) : createRoot(container);
    if (!hydrate) root.render(element);
  });
  return {
    html,
    problems,
    render: (/** @type {object} */ next) => act(async () => root.render(next)),
    unmount: () => act(async () => root.unmount()),
    text: (/** @type {string} */ selector) => container.querySelector(selector)?.textContent ?? null,
    /** @param {string} selector @returns {any} */
    find: (selector) => container.querySelector(selector),
    click: (/** @type {string} */ selector) => act(async () => container.querySelector(selector).click()),
    /** @param {string} selector @param {string} key */
    press: (selector, key) =>
      act(async () =>
        container.querySelector(selector).dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true })),
      ),
    /** @param {string} selector @param {string} text */
    type: (selector, text) =>
      act(async () => {
        const field = container.querySelector(selector);
        Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value")?.set?.call(field, text);
        field.dispatchEvent(new window.Event("input", { bubbles: true }));
      }),
  };
}
