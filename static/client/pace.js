/** When things happen: once, or once per animation frame. */

/** Makes a function that does its work the first time only. @param {() => void} f */
export function once(f) {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    f();
  };
}

/**
 * Makes a function that runs `f` in the next animation frame, however often it is called until then.
 * A hidden tab gets no frames, and node has none: there it runs soon.
 * @param {() => void} f
 */
export function perFrame(f) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    const run = () => {
      if (!waiting) return;
      waiting = false;
      clearTimeout(timer);
      f();
    };
    const paints = typeof requestAnimationFrame === "function";
    const timer = setTimeout(run, paints ? 100 : 16);
    if (paints) requestAnimationFrame(run);
  };
}
