/** Closes what a library opens when it is loaded and never closes: node would not end. To be imported before it. */
import { after } from "node:test";

const ports = /** @type {MessagePort[]} */ ([]);
globalThis.MessageChannel = class extends MessageChannel {
  constructor() {
    super();
    ports.push(this.port1, this.port2);
  }
};
after(() => ports.forEach((port) => port.close()));
