// The view as a file: SVG with real letters, or a table.

import { BASES, BOX } from "./letters";
import { limits, observed, type Palette, type Scene } from "./track";
import { step } from "./view";

const XML: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export function escapeXml(text: string): string {
  // Control characters are not allowed in XML even when escaped.
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").replace(/[&<>"']/g, (c) => XML[c] ?? "");
}

export function viewAsSvg(name: string, method: string, scene: Scene, colors: Palette): string {
  const perBase = 12;
  const tall = 150;
  const from = Math.floor(scene.view.start);
  const to = Math.min(scene.sequence.length, Math.ceil(scene.view.end));
  const [low, high] = limits(scene.scores, from, to);
  const unit = tall / (high - low);
  const zero = 30 + high * unit;
  const width = (to - from) * perBase + 20;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${tall + 60}" width="${width}" height="${tall + 60}" font-family="sans-serif" font-size="11">`,
    `<title>${escapeXml(name)}</title><text x="10" y="16">${escapeXml(`${name}, ${method}, ${from}-${to}`)}</text>`,
  ];
  for (let i = from; i < to; i++) {
    const code = scene.sequence.codes[i] ?? 4;
    const height = (scene.scores[i] ?? 0) * unit;
    if (code > 3 || Math.abs(height) < 0.05) continue;
    const x = 10 + (i - from) * perBase;
    const place = `translate(${x} ${(zero - height).toFixed(2)}) scale(${(perBase * 0.94) / BOX} ${(height / BOX).toFixed(5)})`;
    parts.push(`<path transform="${place}" fill="${colors.bases[code] ?? "#000"}" fill-rule="evenodd" d="${scene.letters.outlines[code] ?? ""}"/>`);
  }
  parts.push(`<path d="M10 ${zero.toFixed(2)}H${width - 10}" stroke="#777" stroke-width=".7"/>`);
  const every = step(to - from, width / 90);
  for (let p = Math.ceil(from / every) * every; p < to; p += every) {
    parts.push(`<text x="${10 + (p - from + 0.5) * perBase}" y="${tall + 50}" text-anchor="middle">${p}</text>`);
  }
  return `${parts.join("\n")}\n</svg>\n`;
}

export function viewAsTable(scene: Scene): string {
  const { codes, values, length } = scene.sequence;
  const scores = observed(scene.sequence);
  const lines = ["position\tbase\tscore\tA\tC\tG\tT"];
  const to = Math.min(length, Math.ceil(scene.view.end));
  for (let i = Math.floor(scene.view.start); i < to; i++) {
    const four = [0, 1, 2, 3].map((b) => (values[b * length + i] ?? 0).toPrecision(4));
    lines.push([i, BASES[codes[i] ?? 4] ?? "N", (scores[i] ?? 0).toPrecision(4), ...four].join("\t"));
  }
  return `${lines.join("\n")}\n`;
}
