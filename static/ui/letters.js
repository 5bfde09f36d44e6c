/** The page's own letters: their style sheet is there from the start, and holds from now on. */
import { keepSetting } from "./storage.js";

const link = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[data-letters]"));
if (link) requestAnimationFrame(() => setTimeout(dress)); // the words are painted first
keepSetting("letters", "kept");

function dress() {
  if (link) link.media = "all";
}
