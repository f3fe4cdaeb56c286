// Every table of the page as tab-separated text, with numbers that programs read.

import { button, element, save } from "./dom";

export function asTsv(rows: string[][]): string {
  return rows.map((cells) => `${cells.map(guarded).join("\t")}\n`).join("");
}

const BREAKS = /[\p{Cc}\u2028\u2029]+/gu; // line ends, tabs and other letters that control something
const UNSEEN = String.raw`[\s\p{C}\p{DI}]*`; // blanks, and letters without a shape
const SIGN = String.raw`[=+\-@\uff1d\uff0b\uff0d\uff20]`; // with those of full width
const FORMULA = new RegExp(`^${UNSEEN}${SIGN}[\\s\\S]`, "u"); // what a spreadsheet computes; a sign alone (a strand) it does not
const NUMBER = /^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|nan)$/i;

/**
 * A cell that stays text wherever it is opened: behind an apostrophe where a spreadsheet would take
 * it for a formula, in quotes where it holds quotes. Numbers are as they are.
 */
function guarded(text: string): string {
  const line = text.replace(BREAKS, " ");
  const guarded = FORMULA.test(line) && !NUMBER.test(line) ? `'${line}` : line;
  return guarded.includes('"') ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** A button below every table that has none of its own. */
export function offerTable(table: HTMLTableElement): void {
  if (table.dataset.files || !table.rows.length) return;
  table.dataset.files = "tsv";
  const name = (table.caption?.textContent || table.getAttribute("aria-label") || "table").trim();
  const label = `Download as a table: ${name.split(/[.:;]/)[0] ?? ""}`;
  const press = button("TSV", label, () => save(`${fileName(table)}.tsv`, "text/tab-separated-values", asTsv(cells(table))));
  const around = table.closest(".scroll") ?? table;
  around.after(element("div", { class: "files" }, press));
}

/** Of a table its section, and which of the section's tables it is. */
function fileName(table: HTMLTableElement): string {
  const section = table.closest("section");
  if (!section) return "table";
  const all = [...section.querySelectorAll("table")];
  return all.length > 1 ? `${section.id}-${all.indexOf(table) + 1}` : section.id;
}

/** Headings and cells. What stands small below a number (its interval) gets a column of its own. */
export function cells(table: HTMLTableElement): string[][] {
  const read = [...table.rows].map((row) => [...row.cells].flatMap((cell) => spread(cell)));
  const isNoted = (column: number) => read.some((row) => row[column]?.note);
  const isBody = (r: number) => table.rows[r]?.parentElement?.tagName !== "THEAD";
  return read.map((row, r) =>
    row.flatMap(({ text, note }, column) => {
      if (!isNoted(column)) return [text];
      return [text, isBody(r) ? note : note || `${text}, note`];
    }),
  );
}

interface Cell {
  text: string;
  note: string;
}

function spread(cell: HTMLTableCellElement): Cell[] {
  const isNumber = cell.classList.contains("n") && cell.tagName === "TD";
  const said = words(cell, (e) => e.matches(".ends, details, button, .files, .save"));
  const notes = [...cell.querySelectorAll(".ends")].filter((e) => !e.closest("details")).map((e) => words(e, () => false));
  const own = { text: isNumber ? plain(said) : said, note: notes.join(" ") };
  return [own, ...Array.from({ length: cell.colSpan - 1 }, () => ({ text: "", note: "" }))];
}

/** The text of an element; of a drawing what it is called. */
function words(node: Element, isLeft: (e: Element) => boolean): string {
  const parts: string[] = [];
  const walk = (n: Node) => {
    if (n instanceof SVGSVGElement) parts.push(` ${n.querySelector("title")?.textContent ?? n.getAttribute("aria-label") ?? ""} `);
    else if (n instanceof Element && isLeft(n)) return;
    else if (n.nodeType === Node.TEXT_NODE) parts.push(n.textContent ?? "");
    else {
      if (n instanceof HTMLBRElement || n instanceof HTMLDivElement) parts.push(" ");
      n.childNodes.forEach(walk);
    }
  };
  const sorts = node.querySelector(":scope > button.sort"); // a heading that is a button is still a heading
  (sorts ?? node).childNodes.forEach(walk);
  return parts.join("").replace(/\s+/g, " ").trim();
}

const SIGNS = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"; // raised 0 to 9
const POWER = new RegExp(`^([-\u2212]?)(?:([\\d.]+)\\s*\u00d7\\s*)?10(\u207b?)([${SIGNS}]+)$`);

/** A number as programs write it: 1234, -1.5, 2e-7; nothing where there is none. */
export function plain(text: string): string {
  if (text === "\u2013") return "";
  const power = POWER.exec(text);
  if (power) {
    const [, sign = "", mantissa = "1", below = "", raised = ""] = power;
    const exponent = [...raised].map((c) => SIGNS.indexOf(c)).join("");
    return `${sign && "-"}${mantissa}e${below && "-"}${exponent}`;
  }
  const straight = text.replace(/^\u2212/, "-");
  return /^-?\d{1,3}(,\d{3})+(\.\d+)?$/.test(straight) ? straight.replaceAll(",", "") : straight;
}
