/**
 * What webhooks were told of an execution, and telling it again. Apart from the rest of the client: few pages need it.
 * @import { Command, Delivery, DeliveryList } from "./protocol.js"
 * @import { Limits } from "./commands.js"
 */

/** @param {{ request: (command: Command, limits?: Limits) => Promise<any> }} client whose connection is used */
export function createWebhooks({ request }) {
  return {
    /**
     * Reads a page of an execution's deliveries, oldest first; `next`, where there is one, is the `cursor` of the page after it.
     * @param {string} execution
     * @param {{ cursor?: string, limit?: number } & Limits} [page]
     * @returns {Promise<DeliveryList>}
     */
    deliveries: (execution, { cursor, limit, ...limits } = {}) =>
      request({ type: "deliveries", execution, ...(cursor && { cursor }), ...(limit && { limit }) }, limits),
    /**
     * Makes a delivery again, now, even to an address that has answered 410; gives it as it stands then.
     * @param {string} execution
     * @param {string} delivery its `id`
     * @param {Limits} [limits]
     * @returns {Promise<Delivery>}
     */
    resend: async (execution, delivery, limits) =>
      (await request({ type: "resend", execution, delivery }, limits)).delivery,
  };
}
