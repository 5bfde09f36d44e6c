/** Places, as addresses name them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, pathOf } from "../../static/ui/router.js";

test("a place is what its address names", () => {
  assert.deepEqual(parse("/x/x_1/c/cp_1"), { execution: "x_1", checkpoint: "cp_1" });
  assert.deepEqual(parse(pathOf({ execution: "a b/c" })), { execution: "a b/c" });
  assert.deepEqual(parse("/"), {});
});

test("an address that was cut in the middle of a letter names a run that there is not", () => {
  assert.deepEqual(parse("/x/%E0%A4%A"), { execution: "%E0%A4%A" });
});
