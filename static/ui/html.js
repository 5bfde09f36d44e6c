/** `html` templates over React's createElement (Preact here, through the import map). */
import htm from "htm";
import { createElement } from "react";

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => any} */
export const html = /** @type {any} */ (htm).bind(createElement);
