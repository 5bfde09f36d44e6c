"use client";
/**
 * A card without a look: it brings behaviour, keys and ARIA; the user brings the markup.
 * @import { ReactElement, ReactNode } from "react"
 * @import { CheckpointState } from "./use-checkpoint.js"
 */
import { createElement, Fragment, useId, useState } from "react";
import { usePresence } from "../../client/presence.js";
import { propsOf } from "./props.js";
import { useCheckpoint } from "./use-checkpoint.js";

/**
 * What the children of `<Checkpoint>` are given: `useCheckpoint`, the prop getters, and the action to confirm.
 * @typedef {{ asked: string | null, confirm: (action: string | null) => void }} Confirmation
 * @typedef {CheckpointState & ReturnType<typeof propsOf> & Confirmation} CheckpointApi
 */

/**
 * Renders `children` with one checkpoint; nothing, or `fallback`, until it is known.
 * @param {object} props
 * @param {string} props.id
 * @param {(api: CheckpointApi) => ReactNode} props.children
 * @param {ReactNode} [props.fallback]
 * @param {boolean} [props.keys] letters answer while the focus is in the card; people must be able to switch that off
 * @param {boolean} [props.presence] others at this checkpoint see that this person looks, or edits
 * @param {(action: string) => void} [props.onAnswer] told which action was chosen, as it is sent
 * @returns {ReactElement | null}
 */
export function Checkpoint({ id, children, fallback = null, keys = true, presence = true, onAnswer = () => {} }) {
  const state = useCheckpoint(id),
    prefix = useId();
  const [asked, confirm] = useState(/** @type {string | null} */ (null));
  usePresence(state?.checkpoint, state && `${state.note} ${state.isEdited ? state.draft : ""}`, presence);
  if (!state) return createElement(Fragment, null, fallback);
  const props = propsOf(state, { id: prefix, keys, asked, ask: confirm, notify: onAnswer });
  return createElement(Fragment, null, children({ ...state, ...props, asked, confirm }));
}
