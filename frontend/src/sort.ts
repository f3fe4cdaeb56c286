// Makes a table that was written by Python sortable: headings with data-key, cells with data-value.

import { element } from "./dom";
import { compare } from "./table";

export function makeSortable(table: HTMLTableElement): void {
  const body = table.tBodies[0];
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
  if (!body) return;
  heads.forEach((head, column) => {
    if (head.dataset.key === undefined) return;
    const press = element("button", { type: "button", class: "sort" }, head.textContent ?? "");
    head.replaceChildren(press);
    press.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row: HTMLTableRowElement) => {
        const text = row.cells[column]?.dataset.value ?? "";
        return head.classList.contains("n") && text !== "" ? Number(text) : text;
      };
      const rows = [...body.rows].sort((a, b) => compare(value(a), value(b), down));
      body.append(...rows);
    });
  });
}
