/** The copy for a run and its questions, in the language of the page: whatever imports this module can use it. */
import en from "./en-run.js";
import { addCopy } from "./index.js";

await addCopy({ en: async () => en, id: async () => (await import("./id-run.js")).default });
