// The window of a sequence that is shown: where it starts, how many bases it holds.

export class View {
  start = 0;
  span: number;
  static readonly MIN = 10;

  constructor(readonly length: number) {
    this.span = Math.max(1, length);
  }

  get end(): number {
    return this.start + this.span;
  }

  show(start: number, span: number): void {
    const least = Math.min(View.MIN, this.length);
    this.span = Math.max(least, Math.min(this.length, span));
    this.start = Math.max(0, Math.min(this.length - this.span, start));
  }

  pan(bases: number): void {
    this.show(this.start + bases, this.span);
  }

  /** Zooms so that the base at `at` stays where it is. */
  zoom(factor: number, at = this.start + this.span / 2): void {
    const least = Math.min(View.MIN, this.length);
    const span = Math.max(least, Math.min(this.length, this.span * factor));
    this.show(at - (at - this.start) * (span / this.span), span);
  }
}

/** The window of `span` bases with the largest sum of absolute scores. */
export function strongest(scores: Float32Array, span: number): number {
  let sum = 0;
  let best = -1;
  let start = 0;
  for (let i = 0; i < scores.length; i++) {
    sum += Math.abs(scores[i] ?? 0) - (i >= span ? Math.abs(scores[i - span] ?? 0) : 0);
    if (i >= span - 1 && sum > best + 1e-9) {
      best = sum;
      start = i - span + 1;
    }
  }
  return start;
}

/** Round steps for a ruler with about `wanted` marks over `span`. */
export function step(span: number, wanted: number): number {
  const raw = span / Math.max(1, wanted);
  const size = 10 ** Math.floor(Math.log10(raw));
  const found = [1, 2, 5, 10].map((m) => m * size).find((s) => s >= raw) ?? raw;
  return Math.max(1, Math.round(found));
}
