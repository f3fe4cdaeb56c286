// The table of sequences: sort, filter, page, choose with mouse or keyboard.

import { button, element, short } from "./dom";
import type { Payload } from "./payload";

const PER_PAGE = 15;
const NOT_ASKED = new Set(["probability", "score", "sd"]);

export class SequenceTable {
  private readonly body = element("tbody");
  private readonly count = element("span", { role: "status" });
  private readonly previous = button("Previous", "Previous page", () => this.turn(-1));
  private readonly next = button("Next", "Next page", () => this.turn(1));
  private readonly heads: HTMLTableCellElement[] = [];
  private readonly chosen = new Map<number, string>(); // column of the row -> wanted text
  private order: number[];
  private search = "";
  private motif = -1;
  private sorted = { column: -1, down: false };
  private page = 0;
  private selected = -1;

  constructor(
    host: HTMLElement,
    private readonly payload: Payload,
    private readonly open: (row: number) => void,
  ) {
    this.order = payload.rows.map((_, i) => i);
    const table = element(
      "table",
      { class: "plain rows", role: "grid", "aria-label": "Sequences" },
      element("thead", {}, element("tr", {}, ...this.headings())),
      this.body,
    );
    const pager = element("div", { class: "bar" }, this.previous, this.next, this.count);
    const scroll = element("div", { class: "scroll" }, table);
    host.replaceChildren(this.filters(), scroll, pager);
    this.body.addEventListener("click", (e) => this.choose((e.target as Element).closest("tr")));
    this.body.addEventListener("keydown", (e) => this.key(e));
    this.fill();
  }

  select(row: number): void {
    this.selected = row;
    this.fill();
  }

  first(): number | undefined {
    return this.order[0];
  }

  private headings(): HTMLTableCellElement[] {
    const titles = ["Name", ...this.payload.columns.map((c) => c.title)];
    titles.forEach((title, i) => {
      const press = element("button", { type: "button", class: "sort" }, title);
      press.addEventListener("click", () => this.sort(i));
      const numeric = i > 0 && this.payload.columns[i - 1]?.numeric;
      this.heads.push(element("th", { scope: "col", class: numeric ? "n" : undefined }, press));
    });
    return this.heads;
  }

  private filters(): HTMLElement {
    const bar = element("div", { class: "bar" });
    const search = element("input", { type: "search", placeholder: "Filter by name", "aria-label": "Filter by name" });
    search.addEventListener("input", () => {
      this.search = search.value.toLowerCase();
      this.refill();
    });
    bar.append(search);
    this.payload.columns.forEach((column, i) => {
      if (NOT_ASKED.has(column.name)) return;
      const values = [...new Set(this.payload.rows.map((r) => String(r[i + 1] ?? "")))].sort();
      if (values.length < 2 || values.length > 8) return;
      const pick = element("select", { "aria-label": column.title }, new Option(`${column.title}: all`, "\u0000"));
      for (const value of values) pick.append(new Option(`${column.title}: ${value || "none"}`, value));
      pick.addEventListener("change", () => {
        if (pick.value === "\u0000" || pick.selectedIndex === 0) this.chosen.delete(i + 1);
        else this.chosen.set(i + 1, pick.value);
        this.refill();
      });
      bar.append(pick);
    });
    const { sites } = this.payload;
    if (sites) {
      const pick = element("select", { "aria-label": "Motif site" }, new Option("Motif: any or none", ""));
      sites.names.forEach((name, i) => pick.append(new Option(`Motif: ${name}`, String(i))));
      pick.addEventListener("change", () => {
        this.motif = pick.selectedIndex - 1;
        this.refill();
      });
      bar.append(pick);
    }
    return bar;
  }

  /** True when a row has a site of the wanted motif, if one is wanted. */
  private hasSite(row: number): boolean {
    const flat = this.payload.sites?.rows[row] ?? [];
    return this.motif < 0 || flat.some((v, k) => k % 5 === 3 && v === this.motif);
  }

  private sort(column: number): void {
    const numeric = column > 0 && this.payload.columns[column - 1]?.numeric;
    const same = this.sorted.column === column;
    this.sorted = { column, down: same ? !this.sorted.down : Boolean(numeric) };
    this.heads.forEach((head, i) => {
      if (i === column) head.setAttribute("aria-sort", this.sorted.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    this.refill();
  }

  private refill(): void {
    const { rows } = this.payload;
    const fits = (row: number) =>
      String(rows[row]?.[0] ?? "").toLowerCase().includes(this.search) &&
      this.hasSite(row) &&
      [...this.chosen].every(([column, wanted]) => String(rows[row]?.[column] ?? "") === wanted);
    this.order = rows.map((_, i) => i).filter(fits);
    const { column, down } = this.sorted;
    if (column >= 0) {
      this.order.sort((a, b) => compare(rows[a]?.[column], rows[b]?.[column], down) || a - b);
    }
    this.page = 0;
    this.fill();
  }

  private turn(by: number): void {
    this.page += by;
    this.fill();
  }

  private fill(): void {
    const from = this.page * PER_PAGE;
    const shown = this.order.slice(from, from + PER_PAGE);
    const focused = shown.includes(this.selected) ? this.selected : shown[0];
    this.body.replaceChildren(...shown.map((row) => this.line(row, row === focused)));
    const to = from + shown.length;
    this.count.textContent = this.order.length
      ? `${(from + 1).toLocaleString("en-US")}\u2013${to.toLocaleString("en-US")} of ${this.order.length.toLocaleString("en-US")}`
      : "No sequence fits the filter.";
    this.previous.disabled = this.page === 0;
    this.next.disabled = to >= this.order.length;
  }

  private line(row: number, focusable: boolean): HTMLTableRowElement {
    const values = this.payload.rows[row] ?? [];
    const cells = values.slice(1).map((value, i) => {
      const text = value === null ? "\u2013" : typeof value === "number" ? short(value) : value;
      return element("td", { class: this.payload.columns[i]?.numeric ? "n" : undefined }, text);
    });
    return element(
      "tr",
      { "data-row": row, tabindex: focusable ? 0 : -1, "aria-selected": row === this.selected ? "true" : "false" },
      element("th", { scope: "row", class: "path" }, String(values[0] ?? "")),
      ...cells,
    );
  }

  private choose(line: Element | null): void {
    if (!(line instanceof HTMLElement) || line.dataset.row === undefined) return;
    const row = Number(line.dataset.row);
    this.select(row);
    this.body.querySelector<HTMLElement>('[aria-selected="true"]')?.focus({ preventScroll: true });
    this.open(row);
  }

  private key(event: KeyboardEvent): void {
    const line = (event.target as Element).closest("tr");
    if (!line) return;
    const lines = [...this.body.rows];
    const at = lines.indexOf(line);
    if (event.key === "Enter" || event.key === " ") this.choose(line);
    else if (event.key === "ArrowDown") this.step(at + 1, lines);
    else if (event.key === "ArrowUp") this.step(at - 1, lines);
    else if (event.key === "PageDown" && !this.next.disabled) this.turnAndFocus(1);
    else if (event.key === "PageUp" && !this.previous.disabled) this.turnAndFocus(-1);
    else return;
    event.preventDefault();
  }

  private step(to: number, lines: HTMLTableRowElement[]): void {
    if (to >= 0 && to < lines.length) this.choose(lines[to] ?? null);
    else if (to < 0 && this.page > 0) this.turnAndFocus(-1, true);
    else if (to >= lines.length && !this.next.disabled) this.turnAndFocus(1);
  }

  private turnAndFocus(by: number, last = false): void {
    this.turn(by);
    this.choose(this.body.rows[last ? this.body.rows.length - 1 : 0] ?? null);
  }
}

/** Missing values come last in either direction. */
export function compare(a: string | number | null | undefined, b: string | number | null | undefined, down: boolean): number {
  const none = (v: unknown) => v === null || v === undefined || v === "";
  if (none(a) || none(b)) return Number(none(a)) - Number(none(b));
  const found =
    typeof a === "number" && typeof b === "number"
      ? a - b
      : String(a).localeCompare(String(b), "en", { numeric: true });
  return down ? -found : found;
}
