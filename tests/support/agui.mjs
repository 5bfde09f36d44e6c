/**
 * A conversation with the crew `story` by the client of AG-UI, as a front end holds it: `node agui.mjs URL TOPIC`.
 * Prints what it saw as one JSON object.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { resolve } = createRequire(new URL("../../static/package.json", import.meta.url));
const { HttpAgent, buildResumeArray } = await import(pathToFileURL(resolve("@ag-ui/client")).href);
const [url, topic] = process.argv.slice(2);
const settings = { url: `${url}/ag-ui/story`, threadId: `thread-${topic}` };
const props = { forwardedProps: { checkpoints: ["agree"] } };

const agent = new HttpAgent(settings);
agent.addMessage({ id: "m1", role: "user", content: topic });
await agent.runAgent(props);
const first = agent.pendingInterrupts.map((interrupt) => interrupt.message);
const refused = await agent.runAgent(props).catch((e) => e.message);

const again = new HttpAgent(settings); // the page was loaded anew: it knows nothing of an interrupt
await again.runAgent(props);
const offered = again.pendingInterrupts.map((interrupt) => interrupt.id);

const answer = (agent, payload) =>
  buildResumeArray(agent.pendingInterrupts, {
    [agent.pendingInterrupts[0].id]: { status: "resolved", payload },
  });
await again.runAgent({ ...props, resume: answer(again, { approved: false, feedback: "more salt" }) });
const version = again.pendingInterrupts[0].metadata.quarterdeck.version;
const { result } = await again.runAgent({ ...props, resume: answer(again, { approved: true }) });

let status;
await new HttpAgent({ ...settings, url: `${url}/ag-ui/nobody` }).runAgent().catch((e) => (status = e.status));

const texts = again.messages.map((message) => [message.role, message.content]);
console.log(JSON.stringify({ first, refused, offered, version, result, status, texts, state: again.state }));
