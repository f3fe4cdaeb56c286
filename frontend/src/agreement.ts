// The rank correlations of the methods on one sequence, as a small table.

import { element, minus } from "./dom";
import type { Agreement, Method } from "./payload";

export function agreementTable(agreement: Agreement, methods: Method[], row: number): HTMLElement | null {
  const scored = methods.filter((m) => m.tracks.length === 0);
  const found = new Map<string, number>();
  agreement.pairs.forEach(([a, b], p) => {
    const r = agreement.rows[row]?.[p];
    if (typeof r === "number") found.set(`${a} ${b}`, r).set(`${b} ${a}`, r);
  });
  if (found.size === 0) return null;
  const head = element("tr", {}, element("th", { scope: "col" }, "Method"), ...scored.map((m, i) => element("th", { scope: "col", class: "n" }, element("abbr", { title: m.title }, String(i + 1)))));
  const lines = scored.map((one, i) => {
    const cells = scored.map((other) => {
      const r = found.get(`${one.name} ${other.name}`);
      const cell = element("td", { class: "n" }, r === undefined ? "" : minus((r / 100).toFixed(2)));
      if (r !== undefined) {
        cell.classList.add(r < 0 ? "against" : "with");
        cell.style.setProperty("--share", `${Math.round(Math.abs(r) * 0.45)}%`);
      }
      return cell;
    });
    return element("tr", {}, element("th", { scope: "row" }, `${i + 1} ${one.title}`), ...cells);
  });
  const table = element(
    "table",
    { class: "matrix" },
    element("caption", {}, "Rank correlation of the methods on this sequence"),
    element("thead", {}, head),
    element("tbody", {}, ...lines),
  );
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Agreement on this sequence" }, table);
}
