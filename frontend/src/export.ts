// The tracks that are shown as a file: a picture with real letters, or a table.

import { save } from "./dom";
import { savePng } from "./figurefile";
import type { Explained } from "./payload";
import { BASES } from "./letters";
import type { Lane } from "./lanes";
import { escapeXml, SvgPen } from "./pen";
import { scaleSaid } from "./scales";
import { asTsv } from "./tables";
import { inLight } from "./theme";
import { drawRuler, frameOf, LEFT, palette, type Palette, type Reach, RIGHT } from "./track";
import { View } from "./view";

const TITLE = 18;

export type FileKind = "svg" | "png" | "tsv";
type ReachOf = (lane: Lane) => Reach | null; // of its scale, where that is shared

export function saveView(kind: FileKind, name: string, sequence: Explained, lanes: Lane[], view: View, outlines: string[], reach: ReachOf): void {
  const file = `${name}.${Math.floor(view.start)}-${Math.ceil(view.end)}.${kind}`;
  if (kind === "tsv") {
    save(file, "text/tab-separated-values", viewAsTable(sequence, lanes, view));
    return;
  }
  const svg = viewAsSvg(name, lanes, view, outlines, inLight(palette), reach);
  if (kind === "svg") save(file, "image/svg+xml", svg);
  else void savePng(file, svg);
}

function viewAsSvg(name: string, lanes: Lane[], shown: View, outlines: string[], colors: Palette, reach: ReachOf): string {
  const view = new View(shown.length);
  view.show(Math.floor(shown.start), Math.ceil(shown.end) - Math.floor(shown.start)); // whole bases
  const perBase = Math.max(3, Math.min(12, 6000 / view.span));
  const width = LEFT + RIGHT + view.span * perBase;
  const parts: string[] = [];
  let top = 30;
  for (const lane of lanes) {
    const pen = new SvgPen(outlines);
    const shared = reach(lane);
    const notes = [lane.note, scaleSaid(lane, shared)].filter(Boolean).join(", ");
    pen.words(notes ? `${lane.title} (${notes})` : lane.title, LEFT, 2, { color: colors.ink });
    parts.push(`<g transform="translate(0 ${top})">${pen.parts.join("")}</g>`);
    top += TITLE;
    const own = new SvgPen(outlines);
    lane.draw(own, frameOf(view, width, lane.height, colors, shared));
    parts.push(`<g transform="translate(0 ${top})">${own.parts.join("")}</g>`);
    top += lane.height + 4;
  }
  const ruler = new SvgPen(outlines);
  drawRuler(ruler, view, frameOf(view, width, 22, colors));
  parts.push(`<g transform="translate(0 ${top})">${ruler.parts.join("")}</g>`);
  const height = top + 26;
  const title = escapeXml(`${name}, ${view.start}-${view.end}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${height}" width="${width.toFixed(0)}" height="${height}" font-family="sans-serif">`,
    `<title>${title}</title><text x="${LEFT}" y="16" font-size="13" fill="${escapeXml(colors.ink)}">${title}</text>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function viewAsTable(sequence: Explained, lanes: Lane[], view: View): string {
  const columns = lanes.flatMap((lane) => lane.columns);
  const rows = [["position", "base", ...columns.map(([name]) => name)]];
  const to = Math.min(sequence.length, Math.ceil(view.end));
  for (let i = Math.floor(view.start); i < to; i++) {
    rows.push([String(i), BASES[sequence.codes[i] ?? 4] ?? "N", ...columns.map(([, value]) => value(i))]);
  }
  return asTsv(rows);
}
