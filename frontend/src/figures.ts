// Every drawing and every table of the page as a file, wherever in the page it stands.

import { button, element, save } from "./dom";
import { savePng, standalone } from "./figurefile";
import { offerTable } from "./tables";

const DRAWINGS = 'main svg[role="img"]';
let open: HTMLDetailsElement | null = null;

/** Offers files of what is there, and of what others put there later. */
export function startFigures(): void {
  const main = document.querySelector("main");
  if (!main) return;
  offer(main);
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof HTMLElement && node.isConnected) offer(node);
  }).observe(main, { childList: true, subtree: true });
  addEventListener("pointerdown", (e) => {
    if (open && !(e.target instanceof Node && open.contains(e.target))) open.open = false;
  });
  addEventListener("keydown", (e) => {
    if (e.key !== "Escape" || !open) return;
    open.querySelector("summary")?.focus();
    open.open = false;
  });
}

function offer(root: HTMLElement): void {
  if (root.closest(".save, .files, dialog")) return;
  root.querySelectorAll<SVGSVGElement>("svg").forEach((drawn) => {
    if (drawn.matches(DRAWINGS)) offerDrawing(drawn);
  });
  if (root instanceof HTMLTableElement) offerTable(root);
  root.querySelectorAll("table").forEach(offerTable);
}

/** A small menu in the corner of a drawing; its buttons are made when it is opened. */
function offerDrawing(drawn: SVGSVGElement): void {
  const around = drawn.parentElement;
  if (!around || drawn.nextElementSibling?.matches(".save")) return;
  const title = titleOf(drawn);
  const menu = element("details", { class: "save" }, element("summary", { "aria-label": `Save: ${title}`, title: "Save as SVG or PNG" }));
  menu.addEventListener("toggle", () => {
    if (!menu.open) {
      if (open === menu) open = null;
      return;
    }
    if (open && open !== menu) open.open = false;
    open = menu;
    if (menu.querySelector("button")) return;
    const svg = () => standalone(drawn);
    menu.append(
      element(
        "div",
        {},
        button("SVG", `Save as SVG: ${title}`, () => save(`${title}.svg`, "image/svg+xml", svg())),
        button("PNG", `Save as PNG: ${title}`, () => void savePng(`${title}.png`, svg())),
      ),
    );
  });
  around.classList.add("drawn");
  drawn.after(menu);
}

/** The heading of its figure, or what it says of itself. */
function titleOf(drawn: SVGSVGElement): string {
  const heading = drawn.closest("figure")?.querySelector("h3, h4")?.textContent;
  const own = drawn.querySelector("title")?.textContent ?? drawn.getAttribute("aria-label");
  return (heading || own || "drawing").trim().replace(/\s+/g, " ").slice(0, 120);
}
