/**
 * A thread of the crew `story` over the socket, with two others that listen: one over the socket, one by the server's own
 * AG-UI door. `node agui-socket.mjs URL TOPIC`; whenever it says `attached`, what is held may go on. Ends with what
 * each was told, as one JSON object.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { QuarterdeckAgent } from "../../static/adapters/ag-ui/index.js";
import { createClient } from "../../static/client/index.js";

const { resolve } = createRequire(new URL("../../static/package.json", import.meta.url));
const { HttpAgent } = await import(pathToFileURL(resolve("@ag-ui/client")).href);
const [url, topic] = process.argv.slice(2);
const threadId = `thread-${topic}`,
  props = { forwardedProps: { checkpoints: ["agree"] } };
const socketUrl = `${url.replace("http", "ws")}/ws`;

/** Sockets that can be cut. */
class Cable extends WebSocket {
  static laid = [];
  constructor(...given) {
    super(...given);
    Cable.laid.push(this);
  }
}
const overSocket = (WebSocket) =>
  new QuarterdeckAgent({
    crew: "story",
    threadId,
    client: createClient({ url: socketUrl, WebSocket, backoff: { min: 50, max: 500 } }),
  });

/** Notes what an agent is told; `until` resolves when it was told something. */
function listen(agent) {
  const told = [],
    waiting = [];
  agent.subscribe({
    onEvent: ({ event }) => {
      told.push(event);
      for (const one of waiting.splice(0)) one.type === event.type ? one.resolve() : waiting.push(one);
    },
  });
  const until = (type) => new Promise((resolve) => waiting.push({ type, resolve }));
  return { agent, told, until };
}

/** Waits until what a client watches is told as it happens. */
const isLive = (client) =>
  new Promise((resolve) => {
    const look = () => Object.values(client.getState().watched).includes("live") && resolve();
    client.subscribe(look);
    look();
  });

/** Has two others listen to what runs, says so, and gives what they were told up to the end of the run. */
async function attach() {
  const others = [listen(overSocket(WebSocket)), listen(new HttpAgent({ url: `${url}/ag-ui/story`, threadId }))];
  const begun = others.map((one) => one.until("RUN_STARTED"));
  const runs = [others[0].agent.connectAgent(), others[1].agent.runAgent(props)];
  await Promise.all(begun);
  await isLive(others[0].agent.client); // a run over the socket says that it has begun before it is told anything
  console.log("attached");
  await Promise.all(runs);
  return others.map((one) => one.told);
}

const mine = listen(overSocket(Cable));
mine.agent.addMessage({ id: "m1", role: "user", content: topic });
const started = mine.until("STEP_STARTED");
const first = mine.agent.runAgent(props);
await started;
const draft = await attach();
await first;
const [question] = mine.agent.pendingInterrupts;
const refused = await mine.agent.runAgent(props).catch((e) => e.message);

mine.told.length = 0;
const going = mine.until("STEP_STARTED");
const last = mine.agent.runAgent({
  ...props,
  resume: [{ interruptId: question.id, status: "resolved", payload: { approved: true } }],
});
await going;
Cable.laid.at(-1).close();
const rest = await attach();
const { result } = await last;
console.log(JSON.stringify({ draft, rest, mine: mine.told, question, refused, result, laid: Cable.laid.length }));
process.exit();
