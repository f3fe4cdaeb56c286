// A lane in a sentence, for readers who do not see the canvas.

import { short } from "./dom";
import type { Lane } from "./lanes";
import { BASES } from "./letters";
import { limits } from "./track";
import { strongest, type View } from "./view";

const SITE = 12; // bases

/** What it is, which bases are shown, where it is strongest there, how far its scores reach. */
export function sentence(lane: Lane, name: string, codes: Uint8Array, view: View): string {
  const from = Math.floor(view.start);
  const to = Math.min(view.length, Math.ceil(view.end));
  const head = `${lane.title} of ${name}, bases ${from} to ${to} of ${view.length}`;
  const note = lane.note ? ` (${lane.note})` : "";
  if (!lane.scores) {
    const told = lane.tell?.(from, to) ?? "";
    return `${head}${note}${told ? `: ${told}` : ""}.`;
  }
  const window = lane.scores.subarray(from, to);
  if (window.every((v) => v === 0)) return `${head}${note}: all scores are 0.`;
  const site = Math.min(SITE, window.length);
  const start = from + strongest(window, site);
  const letters = Array.from(codes.subarray(start, start + site), (code) => BASES[code] ?? "N").join("");
  const [low, high] = limits(lane.scores, from, to);
  return `${head}${note}: strongest at ${start} to ${start + site}, ${letters}; scores from ${short(low)} to ${short(high)}.`;
}
