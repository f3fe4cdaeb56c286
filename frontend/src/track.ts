// Draws what one method says of a window: letters (or bars when they would be too narrow), the
// map of all four bases, colored strips, bars. Only what is visible is drawn.

import { minus } from "./dom";
import { BASES } from "./letters";
import type { Explained } from "./payload";
import type { Pen } from "./pen";
import { step, type View } from "./view";

export interface Palette {
  ink: string;
  soft: string;
  rule: string;
  tint: string;
  accent: string;
  caution: string;
  bases: string[];
  up: string;
  down: string;
  amount: string;
}

export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    ink: of("--ink"),
    soft: of("--soft"),
    rule: of("--rule"),
    tint: of("--tint"),
    accent: of("--accent"),
    caution: of("--s4"),
    bases: ["--A", "--C", "--G", "--T"].map(of),
    up: of("--s2"),
    down: of("--s1"),
    amount: of("--s3"),
  };
}

export const LEFT = 66;
export const RIGHT = 8;
const TOP = 4;
const LETTER_FROM = 2.2; // px a base; narrower ones are bars

/** Where the bases of a window lie on a drawing. */
export interface Frame {
  from: number;
  to: number;
  perBase: number;
  width: number; // of the drawing, margins included
  height: number;
  x: (position: number) => number;
  colors: Palette;
  reach: Reach | null; // of the scale, where it is not that of the window alone
}

/** Lowest and highest value, zero always included. */
export type Reach = [low: number, high: number];

export function frameOf(view: View, width: number, height: number, colors: Palette, reach: Reach | null = null): Frame {
  const perBase = (width - LEFT - RIGHT) / view.span;
  return {
    from: Math.floor(view.start),
    to: Math.min(view.length, Math.ceil(view.end)),
    perBase,
    width,
    height,
    x: (position) => LEFT + (position - view.start) * perBase,
    colors,
    reach,
  };
}

/**
 * Score of the base that is there; 0 at N. Where the values are changes against that base, it is
 * minus their mean over the three others.
 */
export function observed(sequence: Explained): Float32Array {
  const { codes, values, length, relative } = sequence;
  const scores = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const code = codes[i] ?? 4;
    if (code > 3) continue;
    if (!relative) {
      scores[i] = values[code * length + i] ?? 0;
      continue;
    }
    let sum = 0;
    for (let b = 0; b < 4; b++) sum += b === code ? 0 : (values[b * length + i] ?? 0);
    scores[i] = -sum / 3;
  }
  return scores;
}

/** A canvas of the width that it has on the page (or is to have), sharp on any screen. */
export function sharp(canvas: HTMLCanvasElement, height: number, wide?: number): [CanvasRenderingContext2D, number] {
  const ratio = wide ? 2 : window.devicePixelRatio || 1;
  const width = Math.max(120, wide ?? canvas.clientWidth);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser draws no canvas.");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return [context, width];
}

/** Lowest and highest score of a window. */
export function reachOf(scores: Float32Array, from: number, to: number): Reach {
  let low = 0;
  let high = 0;
  for (let i = from; i < to; i++) {
    const v = scores[i] ?? 0;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
}

/** Largest size of the values of a window, rows one after the other. */
export function sizeOf({ values, length }: Explained, from: number, to: number): number {
  let most = 0;
  for (let row = 0; row < values.length; row += length) {
    for (let i = from; i < to; i++) most = Math.max(most, Math.abs(values[row + i] ?? 0));
  }
  return most;
}

/** `reachOf`, or 0 to 1 where all scores are 0. */
export function limits(scores: Float32Array, from: number, to: number): Reach {
  return orUnit(reachOf(scores, from, to));
}

function orUnit([low, high]: Reach): Reach {
  return low === high ? [0, 1] : [low, high];
}

export function drawLetters(pen: Pen, codes: Uint8Array, scores: Float32Array, frame: Frame): void {
  const { colors, perBase } = frame;
  const bottom = frame.height - TOP;
  const [low, high] = orUnit(frame.reach ?? reachOf(scores, frame.from, frame.to));
  const unit = (bottom - TOP) / (high - low);
  const zero = TOP + high * unit;
  pen.within(LEFT, frame.width - LEFT - RIGHT, () => {
    for (let i = frame.from; i < frame.to; i++) {
      const code = codes[i] ?? 4;
      const tall = (scores[i] ?? 0) * unit;
      if (code > 3 || Math.abs(tall) < 0.3) continue;
      const color = colors.bases[code] ?? colors.ink;
      if (perBase < LETTER_FROM) pen.box(frame.x(i), zero, Math.max(0.8, perBase), -tall, color);
      else pen.letter(code, frame.x(i) + perBase * 0.04, zero, perBase * 0.92, tall, color);
    }
    pen.box(LEFT, Math.round(zero) - 0.5, frame.width - LEFT - RIGHT, 1, colors.soft);
  });
  drawScale(pen, [low, high], frame, bottom);
}

function drawScale(pen: Pen, [low, high]: Reach, frame: Frame, bottom: number): void {
  const unit = (bottom - TOP) / (high - low);
  const raw = (high - low) / Math.max(1, (bottom - TOP) / 24);
  const size = 10 ** Math.floor(Math.log10(raw));
  const most = Math.max(high, -low); // a step above this would leave no line but that of 0
  const steps = [0.5, 1, 2, 5, 10].map((m) => m * size).filter((s) => s <= most);
  const every = steps.find((s) => s >= raw) ?? steps.at(-1) ?? most;
  for (let k = Math.ceil(low / every - 1e-9); k * every <= high + 1e-9 * high; k++) {
    const y = TOP + (high - k * every) * unit;
    const text = minus(String(Number((k * every).toPrecision(3))));
    const inside = Math.min(bottom - 3, Math.max(TOP + 3, y));
    pen.words(text, LEFT - 7, inside, { color: frame.colors.soft, align: "right", middle: true, room: LEFT - 9 });
    pen.box(LEFT - 4, y - 0.5, 4, 1, frame.colors.soft, 0.4);
  }
}

/** Every base that could be there: color by sign, strength by size; the one that is there framed. */
export function drawMap(pen: Pen, sequence: Explained, frame: Frame): void {
  const { values, codes, length } = sequence;
  const { colors, perBase } = frame;
  const most = frame.reach?.[1] ?? sizeOf(sequence, frame.from, frame.to);
  const row = (frame.height - 2 * TOP) / 4;
  pen.within(LEFT, frame.width - LEFT - RIGHT, () => {
    for (let i = frame.from; i < frame.to; i++) {
      for (let b = 0; b < 4; b++) {
        const v = values[b * length + i] ?? 0;
        const shade = most > 0 ? Math.min(1, Math.abs(v) / most) : 0;
        if (shade > 0.004) pen.box(frame.x(i), TOP + b * row, perBase + 0.3, row - 1, v > 0 ? colors.up : colors.down, shade);
      }
      const code = codes[i] ?? 4;
      if (code < 4 && perBase > 4) pen.outline(frame.x(i), TOP + code * row, perBase, row - 1, colors.soft);
    }
  });
  for (let b = 0; b < 4; b++) {
    const color = colors.bases[b] ?? colors.ink;
    pen.words(BASES[b] ?? "", LEFT - 9, TOP + (b + 0.5) * row, { color, align: "right", middle: true, bold: true, size: 12 });
  }
}

/** Tracks as strips: red where they speak for the output, blue where they speak against. */
export function drawStrips(pen: Pen, tracks: Float32Array[], names: string[], midpoint: number, most: number, frame: Frame): void {
  const { colors, perBase } = frame;
  const row = frame.height / tracks.length;
  pen.within(LEFT, frame.width - LEFT - RIGHT, () => {
    tracks.forEach((track, r) => {
      for (let i = frame.from; i < frame.to; i++) {
        const v = (track[i] ?? 0) - midpoint;
        pen.box(frame.x(i), r * row + 1, perBase + 0.3, row - 2, v > 0 ? colors.up : colors.down, most > 0 ? Math.abs(v) / most : 0);
      }
    });
  });
  drawNames(pen, names, row, frame);
}

/** Tracks as bars: how much, where there is no against. */
export function drawBars(pen: Pen, tracks: Float32Array[], names: string[], most: number, frame: Frame): void {
  const row = frame.height / tracks.length;
  pen.within(LEFT, frame.width - LEFT - RIGHT, () => {
    tracks.forEach((track, r) => {
      const foot = (r + 1) * row - 1;
      for (let i = frame.from; i < frame.to; i++) {
        const tall = most > 0 ? (Math.max(0, track[i] ?? 0) / most) * (row - 3) : 0;
        pen.box(frame.x(i), foot, Math.max(0.8, frame.perBase * 0.96), -tall, frame.colors.amount);
      }
      pen.box(LEFT, foot, frame.width - LEFT - RIGHT, 0.7, frame.colors.rule);
    });
  });
  drawNames(pen, names, row, frame);
}

function drawNames(pen: Pen, names: string[], row: number, frame: Frame): void {
  names.forEach((name, r) => {
    const how = { color: frame.colors.soft, align: "right", middle: true, room: LEFT - 9, keepEnd: true, size: Math.min(11, row) } as const;
    pen.words(name, LEFT - 7, (r + 0.5) * row, how);
  });
}

export function drawRuler(pen: Pen, view: View, frame: Frame): void {
  const { soft } = frame.colors;
  const every = step(view.span, (frame.width - LEFT) / 90);
  for (let p = Math.ceil(view.start / every) * every; p < view.end; p += every) {
    const at = frame.x(p) + frame.perBase / 2;
    if (at > frame.width - RIGHT) break;
    pen.box(at - 0.5, 0, 1, 4, soft);
    pen.words(p.toLocaleString("en-US"), Math.min(at, frame.width - 14), 7, { color: soft, align: "center" });
  }
}

/** The whole sequence in one strip, with the window that is shown. */
export function drawOverview(canvas: HTMLCanvasElement, scores: Float32Array, view: View, colors: Palette): void {
  const height = 30;
  const [context, width] = sharp(canvas, height);
  const inner = width - LEFT - RIGHT;
  const { length } = view;
  const [low, high] = limits(scores, 0, length);
  const most = Math.max(-low, high);
  const x = (p: number) => LEFT + (p / length) * inner;
  context.fillStyle = colors.tint;
  context.fillRect(LEFT, 0, inner, height);
  for (let i = 0; i < length; i++) {
    const v = (scores[i] ?? 0) / most;
    context.fillStyle = v > 0 ? colors.up : colors.down;
    context.fillRect(x(i), height / 2, Math.max(0.8, inner / length), -v * (height / 2 - 2));
  }
  context.strokeStyle = colors.accent;
  context.lineWidth = 1.5;
  context.strokeRect(x(view.start), 0.75, (view.span / length) * inner, height - 1.5);
}
