// Lines over the epochs of a training, drawn anew whenever one more is there.

import { minus } from "../dom";
import { step } from "../view";

export interface Line {
  name: string;
  points: [number, number][];
}

const WIDTH = 420;
const HEIGHT = 220;
const LEFT = 52;
const RIGHT = 10;
const TOP = 24;
const BOTTOM = 30;

function svg(tag: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.textContent = text;
  return made;
}

/** A chart with a title, a legend in it, and a sentence for those who do not see it. */
export function chart(title: string, lines: Line[]): SVGElement {
  const every = lines.flatMap((line) => line.points);
  const [last, ...values] = [Math.max(2, ...every.map(([x]) => x)), ...every.map(([, y]) => y)];
  const [low, high] = span(values);
  const x = (epoch: number) => LEFT + ((epoch - 1) / (last - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": sentence(title, lines) });
  const size = (high - low) / 4;
  const digits = Math.max(3, 1 + Math.ceil(Math.log10(Math.max(-low, high) / size))); // that tell lines apart
  for (let k = 0; k <= 4; k++) {
    const value = low + k * size;
    root.append(
      svg("path", { class: "grid", d: `M${LEFT} ${y(value)}H${WIDTH - RIGHT}` }),
      svg("text", { class: "y", x: LEFT - 6, y: y(value) + 4 }, minus(value.toPrecision(digits))),
    );
  }
  const every_ = step(last, 6);
  for (let e = every_ === 1 ? 1 : every_; e <= last; e += every_) root.append(svg("text", { x: x(e), y: HEIGHT - BOTTOM + 16 }, String(e)));
  root.append(svg("text", { class: "label", x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 4 }, "epoch"));
  lines.forEach((line, i) => {
    const d = line.points.map(([e, v], k) => `${k ? "L" : "M"}${x(e).toFixed(1)} ${y(v).toFixed(1)}`).join("");
    root.append(svg("path", { class: `line s${(i % 6) + 1}`, d }));
    const end = line.points.at(-1);
    if (end) root.append(svg("circle", { class: `dot s${(i % 6) + 1}`, cx: x(end[0]), cy: y(end[1]), r: 3 }));
    const at = LEFT + i * ((WIDTH - LEFT - RIGHT) / Math.max(1, lines.length));
    root.append(svg("path", { class: `line s${(i % 6) + 1}`, d: `M${at} 10h18` }), svg("text", { class: "key", x: at + 23, y: 14 }, line.name));
  });
  return root;
}

/** A little more than the values take, never nothing. */
function span(values: number[]): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const more = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low - more, high + more];
}

function sentence(title: string, lines: Line[]): string {
  const parts = lines.flatMap(({ name, points }) => {
    const first = points[0];
    const last = points.at(-1);
    return first && last ? [`${name} from ${first[1].toPrecision(3)} in epoch ${first[0]} to ${last[1].toPrecision(3)} in epoch ${last[0]}`] : [];
  });
  return `${title}: ${parts.join("; ") || "no epoch yet"}`;
}
