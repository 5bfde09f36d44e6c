"use client";
/** A click or key that was meant for something else must not decide. */
import { useEffect, useState } from "react";

/** How long anything new takes no answer, in milliseconds. */
const GUARD = 500;

/** Whether what is shown has been there for half a second. @param {string} what changes when something else is shown */
export function useSettled(what) {
  const [settled, settle] = useState("");
  useEffect(() => {
    const timer = setTimeout(settle, GUARD, what);
    return () => clearTimeout(timer);
  }, [what]);
  return settled === what;
}
