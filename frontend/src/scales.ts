// One scale for two panels: how far a quantity reaches in what both of them show.

import { short } from "./dom";
import type { Lane } from "./lanes";
import type { Reach } from "./track";
import type { View } from "./view";

/** What a lane measures: lanes of one quantity can be drawn on one scale. */
export interface Scale {
  quantity: string;
  isBare: boolean; // no axis says how far it reaches
  own?: string; // what is said of it where it is not shared
  reach(from: number, to: number): Reach;
}

/** Lanes, and the window of the sequence in which they are seen. */
export interface Panel {
  lanes: Lane[];
  view: View | null;
}

export function quantities({ lanes }: Panel): string[] {
  return lanes.flatMap(({ scale }) => scale?.quantity ?? []);
}

/** How far a quantity reaches in what a panel shows; nothing where none of the lanes draws it. */
function reachWithin({ lanes, view }: Panel, quantity: string): Reach | null {
  const scale = lanes.find((lane) => lane.scale?.quantity === quantity)?.scale;
  return view && scale ? scale.reach(Math.floor(view.start), Math.min(view.length, Math.ceil(view.end))) : null;
}

/** How far the scale of a lane reaches in two panels; nothing where one of them does not draw its quantity. */
export function sharedReach({ scale }: Lane, own: Panel, beside: Panel | undefined): Reach | null {
  if (!scale || !beside) return null;
  const one = reachWithin(own, scale.quantity);
  const other = reachWithin(beside, scale.quantity);
  return one && other ? [Math.min(one[0], other[0]), Math.max(one[1], other[1])] : null;
}

/** That the scale of a lane is shared, and how far it reaches where the drawing does not say it. */
export function scaleSaid({ scale }: Lane, shared: Reach | null): string {
  if (!shared) return scale?.own ?? "";
  return `same scale beside${scale?.isBare ? `, up to ${short(shared[1])}` : ""}`;
}
