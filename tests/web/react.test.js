import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { QuarterdeckProvider, useApprovals, useConnection, useExecution } from "../../static/client/react.js";
import { FakeSocket, makeClient } from "./support.js";

const load = createRequire(new URL("../../static/package.json", import.meta.url));
const { createElement: h } = load("react");
const { renderToStaticMarkup } = load("react-dom/server");

test("on a server the hooks give the empty state and open no socket", () => {
  const client = makeClient();
  const Page = () =>
    h("p", null, useConnection().phase, useApprovals().length, useExecution("x_1") === undefined ? "none" : "some");
  assert.equal(renderToStaticMarkup(h(QuarterdeckProvider, { client }, h(Page))), "<p>idle0none</p>");
  assert.equal(FakeSocket.all.length, 0);
});

test("a hook without a provider says what is missing", () => {
  assert.throws(() => renderToStaticMarkup(h(() => useConnection().phase)), /needs a <QuarterdeckProvider>/);
});
