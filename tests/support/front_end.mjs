// A front end, as an application of Next.js would come by the README's code: `node front_end.mjs WAY FOLDER TOPIC`.
// It starts an execution, polls it, sends its draft back once, lets it go on, and prints what it saw as JSON.
import { pathToFileURL } from "node:url";

const [way, folder, topic] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`).href);
const PAGE = "http://localhost:3000";

/** What of a rule's source every path of it begins with. */
const head = (source) => source.split(":path*")[0];

/** Each way sends one call of the front end, and gives the status (where it knows it) and what was answered. */
const WAYS = {
  async replace() {
    const { default: config } = await load("next.config.mjs");
    const rules = await config.rewrites();
    return async (method, path, body) => {
      const rule = rules.find(({ source }) => path === source || (source.endsWith("*") && path.startsWith(head(source))));
      const rest = path.slice(head(rule.source).length);
      return read(await fetch(rule.destination.replace(":path*", rest), request(method, body, { origin: PAGE })));
    };
  },
  async hybrid() {
    const { crew } = await load("lib/crew.js");
    return async (method, path, body) => {
      try {
        const answer = await crew(path.slice("/api/crew/".length), body);
        return { status: answer === null ? 204 : 200, body: answer };
      } catch (error) {
        return { status: "refused", body: error.message };
      }
    };
  },
  async proxy() {
    const route = await load("app/api/crew/[[...path]]/route.js");
    return async (method, path, body) => read(await route[method](new Request(PAGE + path, request(method, body))));
  },
};

function request(method, body, headers = {}) {
  return { method, headers: { "content-type": "application/json", ...headers }, body: body && JSON.stringify(body) };
}

async function read(answer) {
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : null };
}

/** Polls, as the front end does, until an answer fits. */
async function polled(call, path, fits) {
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    const answer = await call("GET", path);
    if (fits(answer)) return answer.body;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${path} never answered as it should`);
}

const call = await WAYS[way]();
const feedback = (id, checkpoint, action, words) =>
  call("POST", "/api/crew/feedback", { execution_id: id, checkpoint_id: checkpoint, action, feedback: words });
const waits = (version) => ({ status, body }) => status === 200 && body.context.version === version;

const unknown = await call("GET", "/api/crew/status/x_none");
const before = await feedback("x_none", "agree", "continue");
const { body: started } = await call("POST", "/api/crew/execute", { message: topic, checkpoints: ["agree"] });
const id = started.execution_id;
const draft = await polled(call, `/api/crew/checkpoint/${id}`, waits(1));
await feedback(id, "agree", "revise", "more rain");
const again = await polled(call, `/api/crew/checkpoint/${id}`, waits(2));
await feedback(id, again.checkpoint_id, "continue");
const done = await polled(call, `/api/crew/status/${id}`, ({ body }) => body.status === "completed");
console.log(JSON.stringify({ started, unknown, before, draft: draft.context.draft, again: again.context.draft, done }));
