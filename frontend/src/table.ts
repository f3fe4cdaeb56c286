// The table of sequences: sort, filter, page, choose with mouse or keyboard.

import { button, element, save, short } from "./dom";
import { Filters } from "./filters";
import type { Payload } from "./payload";
import { asTsv } from "./tables";

const PER_PAGE = 8;

export interface TableActs {
  /** A row was chosen; with the shift key it is to stand beside the one that is open. */
  open(row: number, isBeside: boolean): void;
  /** Other rows, or in another order. */
  changed(): void;
}

export class SequenceTable {
  private readonly body = element("tbody");
  private readonly count = element("span", { role: "status" });
  private readonly previous = button("Previous", "Previous page", () => this.turn(-1));
  private readonly next = button("Next", "Next page", () => this.turn(1));
  private readonly heads: HTMLTableCellElement[] = [];
  private readonly filters: Filters;
  private order: number[];
  private sorted = { column: -1, down: false };
  private page = 0;
  private selected = -1;
  private beside = -1;

  constructor(
    host: HTMLElement,
    private readonly payload: Payload,
    private readonly acts: TableActs,
  ) {
    this.order = payload.rows.map((_, i) => i);
    this.filters = new Filters(payload, () => {
      this.refill();
      acts.changed();
    });
    const table = element(
      "table",
      { class: "plain rows", role: "grid", "aria-label": "Sequences", "data-files": "own" },
      element("thead", {}, element("tr", {}, ...this.headings())),
      this.body,
    );
    const file = button("TSV", "Download all rows that fit as a table", () => this.download());
    const pager = element("div", { class: "bar" }, this.previous, this.next, this.count, element("span", { class: "gap" }), file);
    const scroll = element("div", { class: "scroll" }, table);
    host.replaceChildren(this.filters.element, scroll, pager);
    this.body.addEventListener("click", (e) => this.choose((e.target as Element).closest("tr"), e.shiftKey));
    this.body.addEventListener("mousedown", (e) => {
      if (e.shiftKey) e.preventDefault(); // it chooses a row, not text
    });
    this.body.addEventListener("keydown", (e) => this.key(e));
    this.refill();
  }

  /** Marks the rows that are open, and turns to the page of the first. */
  select(row: number, beside = -1): void {
    this.selected = row;
    this.beside = beside;
    const at = this.order.indexOf(row);
    if (at >= 0) this.page = Math.floor(at / PER_PAGE);
    this.fill();
  }

  first(): number | undefined {
    return this.order[0];
  }

  focusSearch(): void {
    this.filters.focus();
  }

  /** Filters and order, as parameters of the address. */
  write(params: URLSearchParams): void {
    this.filters.write(params);
    const { column, down } = this.sorted;
    if (column >= 0) params.set("sort", `${down ? "-" : ""}${this.payload.columns[column - 1]?.name ?? "name"}`);
  }

  read(params: URLSearchParams): void {
    this.filters.read(params);
    const wanted = params.get("sort");
    const name = wanted?.replace(/^-/, "");
    const column = name === "name" ? 0 : this.payload.columns.findIndex((c) => c.name === name) + 1;
    this.sorted = wanted && (column > 0 || name === "name") ? { column, down: wanted.startsWith("-") } : { column: -1, down: false };
    this.refill();
  }

  private download(): void {
    const heads = ["name", ...this.payload.columns.map((c) => c.name)];
    save("sequences.tsv", "text/tab-separated-values", asTsv([heads, ...this.order.map((row) => (this.payload.rows[row] ?? []).map((v) => String(v ?? "")))]));
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

  private sort(column: number): void {
    const numeric = column > 0 && this.payload.columns[column - 1]?.numeric;
    const same = this.sorted.column === column;
    this.sorted = { column, down: same ? !this.sorted.down : Boolean(numeric) };
    this.refill();
    this.acts.changed();
  }

  private refill(): void {
    const { rows } = this.payload;
    const { column, down } = this.sorted;
    this.order = this.filters.rows();
    if (column >= 0) this.order.sort((a, b) => compare(rows[a]?.[column], rows[b]?.[column], down) || a - b);
    this.heads.forEach((head, i) => {
      if (i === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
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
    const hadFocus = this.body.contains(document.activeElement);
    this.body.replaceChildren(...shown.map((row) => this.line(row, row === focused)));
    if (hadFocus) this.body.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: true });
    const to = from + shown.length;
    this.count.textContent = this.order.length
      ? `${(from + 1).toLocaleString("en-US")}\u2013${to.toLocaleString("en-US")} of ${this.order.length.toLocaleString("en-US")}`
      : "No sequence fits the filter. Clear it, or ask for less.";
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
      { class: row === this.beside ? "beside" : undefined, "data-row": row, tabindex: focusable ? 0 : -1, "aria-selected": row === this.selected ? "true" : "false" },
      element("th", { scope: "row", class: "path" }, String(values[0] ?? "")),
      ...cells,
    );
  }

  private choose(line: Element | null, isBeside = false): void {
    if (!(line instanceof HTMLElement) || line.dataset.row === undefined) return;
    const row = Number(line.dataset.row);
    if (isBeside) {
      this.acts.open(row, true);
      return;
    }
    this.select(row, this.beside);
    this.body.querySelector<HTMLElement>('[aria-selected="true"]')?.focus({ preventScroll: true });
    this.acts.open(row, false);
  }

  private key(event: KeyboardEvent): void {
    const line = (event.target as Element).closest("tr");
    if (!line) return;
    const lines = [...this.body.rows];
    const at = lines.indexOf(line);
    if (event.key === "Enter" || event.key === " ") this.choose(line, event.shiftKey);
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
