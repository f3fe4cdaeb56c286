// What tracks are drawn with: the canvas of the page, or an SVG file. Both know letters, boxes
// and words, so that a download looks like the page.

import { BOX, type Letters } from "./letters";

export interface Words {
  color: string;
  align?: "left" | "center" | "right";
  middle?: boolean; // y is the middle of the line, not its top
  size?: number;
  bold?: boolean;
  room?: number; // px; longer text is cut
  keepEnd?: boolean; // cut at the front
}

export interface Pen {
  box(x: number, y: number, width: number, height: number, color: string, alpha?: number): void;
  outline(x: number, y: number, width: number, height: number, color: string): void;
  /** A letter that stands on `y`, upward; with a negative height on its head, downward. */
  letter(base: number, x: number, y: number, width: number, height: number, color: string): void;
  words(text: string, x: number, y: number, how: Words): void;
  /** Draws nothing outside of a stretch of the width. */
  within(x: number, width: number, draw: () => void): void;
}

const FONT = "system-ui, sans-serif";

export class CanvasPen implements Pen {
  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly letters: Letters,
  ) {}

  box(x: number, y: number, width: number, height: number, color: string, alpha = 1): void {
    this.context.globalAlpha = alpha;
    this.context.fillStyle = color;
    this.context.fillRect(x, y, width, height);
    this.context.globalAlpha = 1;
  }

  outline(x: number, y: number, width: number, height: number, color: string): void {
    this.context.strokeStyle = color;
    this.context.lineWidth = 1;
    this.context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
  }

  letter(base: number, x: number, y: number, width: number, height: number, color: string): void {
    const path = this.letters.path(base);
    if (!path) return;
    const { context } = this;
    context.save();
    context.translate(x, y - height);
    context.scale(width / BOX, height / BOX);
    context.fillStyle = color;
    context.fill(path, "evenodd");
    context.restore();
  }

  words(text: string, x: number, y: number, how: Words): void {
    const { context } = this;
    context.font = `${how.bold ? "600 " : ""}${how.size ?? 11}px ${FONT}`;
    context.textAlign = how.align ?? "left";
    context.textBaseline = how.middle ? "middle" : "top";
    context.fillStyle = how.color;
    context.fillText(cut(text, how, (t) => context.measureText(t).width), x, y);
  }

  within(x: number, width: number, draw: () => void): void {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(x, 0, width, context.canvas.height);
    context.clip();
    draw();
    context.restore();
  }
}

export class SvgPen implements Pen {
  readonly parts: string[] = [];

  constructor(private readonly outlines: readonly string[]) {}

  box(x: number, y: number, width: number, height: number, color: string, alpha = 1): void {
    const top = Math.min(y, y + height); // a canvas takes negative heights, SVG does not
    const shade = alpha < 1 ? ` fill-opacity="${alpha.toFixed(3)}"` : "";
    if (alpha > 0.004) this.parts.push(`<rect${place(x, top, width, Math.abs(height))} fill="${escapeXml(color)}"${shade}/>`);
  }

  outline(x: number, y: number, width: number, height: number, color: string): void {
    this.parts.push(`<rect${place(x + 0.5, y + 0.5, width - 1, height - 1)} fill="none" stroke="${escapeXml(color)}"/>`);
  }

  letter(base: number, x: number, y: number, width: number, height: number, color: string): void {
    const move = `translate(${x.toFixed(2)} ${(y - height).toFixed(2)}) scale(${(width / BOX).toFixed(5)} ${(height / BOX).toFixed(5)})`;
    this.parts.push(`<path transform="${move}" fill="${escapeXml(color)}" fill-rule="evenodd" d="${this.outlines[base] ?? ""}"/>`);
  }

  words(text: string, x: number, y: number, how: Words): void {
    const size = how.size ?? 11;
    const anchor = { left: "start", center: "middle", right: "end" }[how.align ?? "left"];
    const down = y + (how.middle ? 0.35 : 0.85) * size;
    const shown = cut(text, how, (t) => 0.56 * size * t.length);
    const bold = how.bold ? ' font-weight="600"' : "";
    this.parts.push(
      `<text x="${x.toFixed(2)}" y="${down.toFixed(2)}" text-anchor="${anchor}" font-size="${size}"${bold} fill="${escapeXml(how.color)}">${escapeXml(shown)}</text>`,
    );
  }

  within(_x: number, _width: number, draw: () => void): void {
    draw(); // a download shows whole bases, so that nothing sticks out
  }
}

function place(x: number, y: number, width: number, height: number): string {
  return ` x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${Math.max(0, width).toFixed(2)}" height="${Math.max(0, height).toFixed(2)}"`;
}

function cut(text: string, { room, keepEnd }: Words, width: (text: string) => number): string {
  if (room === undefined || width(text) <= room) return text;
  for (let n = text.length - 1; n > 0; n--) {
    const rest = keepEnd ? `\u2026${text.slice(-n)}` : `${text.slice(0, n)}\u2026`;
    if (width(rest) <= room) return rest;
  }
  return "";
}

const XML: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export function escapeXml(text: string): string {
  // Control characters are not allowed in XML even when escaped.
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").replace(/[&<>"']/g, (c) => XML[c] ?? "");
}
