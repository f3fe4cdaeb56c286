// Drawings as files that stand alone: no style sheet, no font of ours, light as paper.

import { saveBlob } from "./dom";
import { inLight } from "./theme";

const DENSE = 2; // px of a PNG for one of the page
const MOST = 12_000; // px, what browsers draw at most in one direction
/** Properties that our style sheet sets on drawings. */
const STYLED = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linejoin",
  "stroke-opacity",
  "opacity",
  "font-size",
  "font-weight",
  "text-anchor",
] as const;
const FONT = "system-ui, Helvetica, Arial, sans-serif";
const NS = "http://www.w3.org/2000/svg";

/** A drawing of the page as an SVG file with every style written out, in light colors. */
export function standalone(drawn: SVGSVGElement): string {
  const copy = drawn.cloneNode(true) as SVGSVGElement;
  inLight(() => {
    const originals = [drawn, ...drawn.querySelectorAll<SVGElement>("*")];
    const copies = [copy, ...copy.querySelectorAll<SVGElement>("*")];
    originals.forEach((original, i) => styled(original, copies[i] as SVGElement));
  });
  const [width, height] = size(drawn);
  copy.setAttribute("xmlns", NS);
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  copy.setAttribute("font-family", FONT);
  return `${new XMLSerializer().serializeToString(copy)}\n`;
}

function styled(original: SVGElement, copy: SVGElement): void {
  const style = getComputedStyle(original);
  if (style.display === "none" && copy.parentNode) {
    copy.setAttribute("display", "none");
    return;
  }
  for (const name of ["class", "style", "tabindex"]) copy.removeAttribute(name);
  if (!(original instanceof SVGGraphicsElement)) return;
  for (const name of STYLED) copy.setAttribute(name, style.getPropertyValue(name));
}

/** The size that the drawing was made in; on the page it may be scaled. */
function size(drawn: SVGSVGElement): [number, number] {
  const { width, height } = drawn.viewBox.baseVal ?? { width: 0, height: 0 };
  if (width > 0 && height > 0) return [width, height];
  const box = drawn.getBoundingClientRect();
  return [Math.ceil(box.width), Math.ceil(box.height)];
}

/** An SVG file as a picture on white. */
export async function savePng(name: string, svg: string): Promise<void> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`; // the one source that the policy allows
  await image.decode();
  const scale = Math.min(DENSE, MOST / image.width, MOST / image.height);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser draws no canvas.");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (blob) saveBlob(name, blob);
}
