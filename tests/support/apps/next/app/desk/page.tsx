"use client";
import { App } from "../right";

/** A page with a provider, the hooks and the card without a look. */
export default App;
