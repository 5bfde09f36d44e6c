/** The server's clock, ticking for the components that show time. */
import { useEffect, useState } from "react";
import { useClient } from "../client/react.js";

/** The server's time in milliseconds, once a second while `runs`. @param {boolean} [runs] */
export function useNow(runs = true) {
  const client = useClient();
  const [now, tick] = useState(client.now);
  useEffect(() => {
    if (!runs) return undefined;
    tick(client.now());
    const timer = setInterval(() => tick(client.now()), 1000);
    return () => clearInterval(timer);
  }, [client, runs]);
  return now;
}
