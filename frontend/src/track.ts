// Draws one window of a sequence: letters (or bars when they would be too narrow), or the map of
// all four bases; axis, ruler, cursor. Only what is visible is drawn.

import { minus } from "./dom";
import { BASES, BOX, type Letters } from "./letters";
import type { Explained } from "./payload";
import { step, type View } from "./view";

export type Mode = "letters" | "map";

export interface Palette {
  ink: string;
  soft: string;
  rule: string;
  tint: string;
  accent: string;
  bases: string[];
  up: string;
  down: string;
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
    bases: ["--A", "--C", "--G", "--T"].map(of),
    up: of("--s2"),
    down: of("--s1"),
  };
}

export const LEFT = 52;
export const RIGHT = 8;
const TOP = 8;
const RULER = 22;
const LETTER_FROM = 2.2; // px a base; narrower ones are bars

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

/** A canvas of the width that it has on the page, sharp on any screen. */
export function sharp(canvas: HTMLCanvasElement, height: number): [CanvasRenderingContext2D, number] {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(120, canvas.clientWidth);
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

export interface Scene {
  letters: Letters;
  sequence: Explained;
  scores: Float32Array;
  view: View;
  mode: Mode;
  cursor: number | null;
}

export function drawTrack(canvas: HTMLCanvasElement, scene: Scene, colors: Palette): void {
  const height = scene.mode === "map" ? 150 : 210;
  const [context, width] = sharp(canvas, height);
  const { view } = scene;
  const perBase = (width - LEFT - RIGHT) / view.span;
  const from = Math.floor(view.start);
  const to = Math.min(scene.sequence.length, Math.ceil(view.end));
  const x = (position: number) => LEFT + (position - view.start) * perBase;
  const bottom = height - RULER;
  if (scene.cursor !== null) {
    context.fillStyle = colors.tint;
    context.fillRect(x(scene.cursor), TOP, Math.max(1, perBase), bottom - TOP);
  }
  context.save();
  context.beginPath();
  context.rect(LEFT, 0, width - LEFT - RIGHT, height);
  context.clip();
  const range = scene.mode === "map" ? null : limits(scene.scores, from, to);
  if (range) drawLetters(context, scene, colors, { from, to, x, perBase, bottom, range });
  else drawMap(context, scene, colors, { from, to, x, perBase, bottom });
  context.restore();
  if (range) drawScale(context, range, colors, bottom, width);
  else drawRows(context, colors, bottom);
  drawRuler(context, view, colors, x, bottom, width);
}

interface Frame {
  from: number;
  to: number;
  x: (position: number) => number;
  perBase: number;
  bottom: number;
}

/** Lowest and highest score of a window, zero always included. */
export function limits(scores: Float32Array, from: number, to: number): [number, number] {
  let low = 0;
  let high = 0;
  for (let i = from; i < to; i++) {
    const v = scores[i] ?? 0;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return low === high ? [0, 1] : [low, high];
}

export function drawLetters(
  context: CanvasRenderingContext2D,
  scene: Scene,
  colors: Palette,
  frame: Frame & { range: [number, number] },
): void {
  const [low, high] = frame.range;
  const unit = (frame.bottom - TOP) / (high - low);
  const zero = TOP + high * unit;
  for (let i = frame.from; i < frame.to; i++) {
    const code = scene.sequence.codes[i] ?? 4;
    const tall = (scene.scores[i] ?? 0) * unit;
    if (code > 3 || Math.abs(tall) < 0.3) continue;
    context.fillStyle = colors.bases[code] ?? colors.ink;
    const left = frame.x(i);
    const path = scene.letters.path(code);
    if (frame.perBase < LETTER_FROM || !path) {
      context.fillRect(left, Math.min(zero, zero - tall), Math.max(0.8, frame.perBase), Math.abs(tall));
      continue;
    }
    context.save();
    context.translate(left + frame.perBase * 0.04, zero);
    if (tall >= 0) context.translate(0, -tall);
    else context.transform(1, 0, 0, -1, 0, -tall); // standing on its head, below the line
    context.scale((frame.perBase * 0.92) / BOX, Math.abs(tall) / BOX);
    context.fill(path, "evenodd");
    context.restore();
  }
  context.fillStyle = colors.soft;
  context.fillRect(LEFT, Math.round(zero) - 0.5, context.canvas.width, 1);
}

function drawMap(
  context: CanvasRenderingContext2D,
  scene: Scene,
  colors: Palette,
  frame: Frame,
): void {
  const { values, codes, length } = scene.sequence;
  let most = 0;
  for (let b = 0; b < 4; b++) {
    for (let i = frame.from; i < frame.to; i++) most = Math.max(most, Math.abs(values[b * length + i] ?? 0));
  }
  const row = (frame.bottom - TOP) / 4;
  for (let i = frame.from; i < frame.to; i++) {
    for (let b = 0; b < 4; b++) {
      const v = values[b * length + i] ?? 0;
      context.globalAlpha = most > 0 ? Math.min(1, Math.abs(v) / most) : 0;
      context.fillStyle = v > 0 ? colors.up : colors.down;
      context.fillRect(frame.x(i), TOP + b * row, frame.perBase + 0.3, row - 1);
    }
    context.globalAlpha = 1;
    const code = codes[i] ?? 4;
    if (code < 4 && frame.perBase > 4) {
      context.strokeStyle = colors.soft;
      context.lineWidth = 1;
      context.strokeRect(frame.x(i) + 0.5, TOP + code * row + 0.5, frame.perBase - 1, row - 2);
    }
  }
}

function drawScale(
  context: CanvasRenderingContext2D,
  [low, high]: [number, number],
  colors: Palette,
  bottom: number,
  width: number,
): void {
  context.fillStyle = colors.soft;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "right";
  context.textBaseline = "middle";
  const unit = (bottom - TOP) / (high - low);
  const raw = (high - low) / 4;
  const size = 10 ** Math.floor(Math.log10(raw));
  const every = [1, 2, 5, 10].map((m) => m * size).find((s) => s >= raw) ?? raw;
  for (let k = Math.ceil(low / every - 1e-9); k * every <= high + 1e-9 * high; k++) {
    const y = TOP + (high - k * every) * unit;
    context.fillText(minus(String(Number((k * every).toPrecision(3)))), LEFT - 7, y);
    context.globalAlpha = 0.25;
    context.fillRect(LEFT - 4, y, k === 0 ? width - LEFT - RIGHT + 4 : 4, 1);
    context.globalAlpha = 1;
  }
}

function drawRows(context: CanvasRenderingContext2D, colors: Palette, bottom: number): void {
  const row = (bottom - TOP) / 4;
  context.font = "600 12px system-ui, sans-serif";
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (let b = 0; b < 4; b++) {
    context.fillStyle = colors.bases[b] ?? colors.ink;
    context.fillText(BASES[b] ?? "", LEFT - 9, TOP + (b + 0.5) * row);
  }
}

function drawRuler(
  context: CanvasRenderingContext2D,
  view: View,
  colors: Palette,
  x: (position: number) => number,
  bottom: number,
  width: number,
): void {
  context.fillStyle = colors.soft;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "top";
  const every = step(view.span, (width - LEFT) / 90);
  const perBase = (width - LEFT - RIGHT) / view.span;
  for (let p = Math.ceil(view.start / every) * every; p < view.end; p += every) {
    const at = x(p) + perBase / 2;
    if (at > width - RIGHT) break;
    context.fillRect(at - 0.5, bottom, 1, 4);
    context.fillText(p.toLocaleString("en-US"), Math.min(at, width - 14), bottom + 7);
  }
}

/** The whole sequence in one strip, with the window that is shown. */
export function drawOverview(canvas: HTMLCanvasElement, scene: Scene, colors: Palette): void {
  const height = 30;
  const [context, width] = sharp(canvas, height);
  const inner = width - LEFT - RIGHT;
  const { length } = scene.sequence;
  const [low, high] = limits(scene.scores, 0, length);
  const most = Math.max(-low, high);
  const x = (p: number) => LEFT + (p / length) * inner;
  context.fillStyle = colors.tint;
  context.fillRect(LEFT, 0, inner, height);
  for (let i = 0; i < length; i++) {
    const v = (scene.scores[i] ?? 0) / most;
    context.fillStyle = v > 0 ? colors.up : colors.down;
    context.fillRect(x(i), height / 2, Math.max(0.8, inner / length), -v * (height / 2 - 2));
  }
  context.strokeStyle = colors.accent;
  context.lineWidth = 1.5;
  context.strokeRect(x(scene.view.start), 0.75, (scene.view.span / length) * inner, height - 1.5);
}
