/** Crews for front ends that speak AG-UI 1.0, over one WebSocket instead of `POST /ag-ui/{crew}`. */
export { QuarterdeckAgent } from "./agent.js";
/** @typedef {import("./agent.js").Quarterdeck} Quarterdeck */
