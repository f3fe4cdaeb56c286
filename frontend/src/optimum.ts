// What the model would most like to see, laid where the sequence comes closest to it.

import { BASES } from "./letters";
import type { Lane } from "./lanes";
import type { Optimum } from "./payload";
import type { Pen } from "./pen";
import { type Frame, LEFT, RIGHT } from "./track";

const TOP = 4;
const FLOOR = 0.01; // added to a frequency of 0, whose logarithm does not exist

export interface Place {
  start: number;
  isForward: boolean;
  ppm: number[][]; // (4, k) as it reads along the sequence
}

/** Where the log-odds against even letters are highest, on either strand; an N counts nothing. */
export function bestPlace(ppm: number[][], codes: Uint8Array): Place | null {
  const turned = [...ppm].reverse().map((row) => [...row].reverse());
  const width = ppm[0]?.length ?? 0;
  let best: Place | null = null;
  let most = -Infinity;
  for (const [isForward, matrix] of [[true, ppm], [false, turned]] as const) {
    const odds = matrix.map((row) => row.map((p) => Math.log2((p + FLOOR) / (1 + 4 * FLOOR) / 0.25)));
    for (let start = 0; width > 0 && start + width <= codes.length; start++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += odds[codes[start + k] ?? 4]?.[k] ?? 0;
      if (sum > most + 1e-9) {
        most = sum;
        best = { start, isForward, ppm: matrix };
      }
    }
  }
  return best;
}

export function optimumLanes(optima: Optimum[], codes: Uint8Array): Lane[] {
  return optima.flatMap((optimum, i) => {
    const place = bestPlace(optimum.ppm, codes);
    return place ? [{ ...optimumLane(optimum, place), isOff: i > 0 }] : [];
  });
}

function optimumLane({ name }: Optimum, { start, isForward, ppm }: Place): Lane {
  const width = ppm[0]?.length ?? 0;
  const share = (i: number) => [0, 1, 2, 3].map((b) => ppm[b]?.[i - start] ?? 0);
  const isInside = (i: number) => i >= start && i < start + width;
  const strand = isForward ? "+" : "\u2212";
  const consensus = Array.from({ length: width }, (_, k) => BASES[top(share(start + k))] ?? "N").join("");
  return {
    key: `optimum ${name}`,
    title: `Class optimum ${name}`,
    note: `laid where the sequence fits it best, ${start}\u2013${start + width}, strand ${strand}`,
    height: 64,
    draw: (pen, frame) => drawOptimum(pen, start, width, share, frame),
    read: (i) => (isInside(i) ? `${name} ${share(i).map((p, b) => `${BASES[b] ?? ""} ${p.toFixed(2)}`).join(", ")}` : ""),
    tell: () => `${consensus} at ${start} to ${start + width}, strand ${strand}`,
    columns: [[`optimum:${name}`, (i) => (isInside(i) ? (consensus[i - start] ?? "") : "")]],
  };
}

function top(values: number[]): number {
  return values.reduce((best, v, b) => (v > (values[best] ?? 0) ? b : best), 0);
}

/** Bits of a column: what it says beyond even letters. */
function bits(values: number[]): number {
  return values.reduce((sum, p) => sum + (p > 0 ? p * Math.log2(p) : 0), 2);
}

function drawOptimum(pen: Pen, start: number, width: number, share: (i: number) => number[], frame: Frame): void {
  const { colors, perBase, height } = frame;
  const foot = height - TOP;
  pen.within(LEFT, frame.width - LEFT - RIGHT, () => {
    for (let i = Math.max(start, frame.from); i < Math.min(start + width, frame.to); i++) {
      const values = share(i);
      const tall = (bits(values) / 2) * (foot - TOP);
      let y = foot;
      for (const [p, b] of values.map((v, base) => [v, base] as const).sort((u, v) => u[0] - v[0])) {
        if (p * tall < 0.3) continue;
        pen.letter(b, frame.x(i) + perBase * 0.04, y, perBase * 0.92, p * tall, colors.bases[b] ?? colors.ink);
        y -= p * tall;
      }
    }
    pen.box(LEFT, foot, frame.width - LEFT - RIGHT, 1, colors.rule);
  });
  const middle = LEFT + (frame.width - LEFT - RIGHT) / 2;
  const hint = start >= frame.to ? "right of this window \u25b8" : start + width <= frame.from ? "\u25c2 left of this window" : "";
  if (hint) pen.words(hint, middle, height / 2, { color: colors.soft, align: "center", middle: true });
  pen.words("2 bits", LEFT - 7, TOP + 4, { color: colors.soft, align: "right", middle: true });
  pen.words("0", LEFT - 7, foot - 3, { color: colors.soft, align: "right", middle: true });
}
