/** The one connection of the page. */
import { createClient } from "../client/index.js";

export const client = createClient({
  url: new URL("../../ws", import.meta.url).href.replace(/^http/, "ws").replace(/\?.*$/, ""),
});
