import assert from "node:assert/strict";
import { test } from "node:test";
import { addCopy, languageNow, setLanguage, tOr } from "../../static/ui/i18n/index.js";

/** Gives words after a while. @param {number} ms @param {string} words */
const slowly = (ms, words) => () => new Promise((done) => setTimeout(() => done({ "test.word": words }), ms));

test("copy that is added while the language is switched is there in that language, whatever comes first", async () => {
  for (const [en, id] of /** @type {const} */ ([[30, 1], [1, 30]])) {
    await setLanguage("en");
    await Promise.all([setLanguage("id"), addCopy({ en: slowly(en, "word"), id: slowly(id, "kata") })]);
    assert.deepEqual([languageNow(), tOr("test.word", "none"), tOr("inbox.none", "none")], ["id", "kata", "Belum ada proses."]);
    await Promise.all([addCopy({ en: slowly(en, "words"), id: slowly(id, "kata-kata") }), setLanguage("en")]);
    assert.deepEqual([languageNow(), tOr("test.word", "none")], ["en", "words"]);
  }
});

test("copy that cannot be had stands in nobody's way later", async () => {
  await assert.rejects(addCopy({ en: () => Promise.reject(new Error("away")), id: async () => ({}) }), /away/);
  await setLanguage("id");
  assert.equal(languageNow(), "id");
});
