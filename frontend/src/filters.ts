// What the table of sequences is asked for: name, columns with few values, a range, a motif.

import { button, element, minus, setWords } from "./dom";
import type { Payload } from "./payload";

const NOT_ASKED = new Set(["probability", "score", "sd"]); // as values; as ranges they are
const FEW = 8; // values that a column may have to be offered as a list
const ANY = "\u0000";

export class Filters {
  readonly element = element("div", { class: "bar filters", role: "search", "aria-label": "Filter the sequences" });
  private readonly search = element("input", { type: "search", placeholder: "Filter by name", "aria-label": "Filter by name" });
  private readonly picks = new Map<number, HTMLSelectElement>(); // column of the row -> its list
  private readonly ranged = element("select", { "aria-label": "Column of the range" });
  private readonly least = element("input", { type: "number", step: "any", placeholder: "from", "aria-label": "At least", "aria-describedby": "range-turned" });
  private readonly most = element("input", { type: "number", step: "any", placeholder: "to", "aria-label": "At most", "aria-describedby": "range-turned" });
  private readonly turned = element("span", { class: "warned", role: "status", id: "range-turned" });
  private readonly motif = element("select", { "aria-label": "Motif site" });
  private readonly clear = button("Clear", "Clear all filters", () => {
    this.read(new URLSearchParams());
    this.changed();
  });

  constructor(
    private readonly payload: Payload,
    private readonly changed: () => void,
  ) {
    this.element.append(this.search);
    payload.columns.forEach((_, i) => this.offer(i));
    this.offerRange();
    this.offerMotifs();
    this.element.append(this.clear);
    this.element.addEventListener("input", () => this.changed());
    this.read(new URLSearchParams());
  }

  focus(): void {
    this.search.focus();
  }

  get isEmpty(): boolean {
    return ![...this.write(new URLSearchParams()).keys()].length;
  }

  /** Rows that fit, in their own order; what is wrong with the range is said. */
  rows(): number[] {
    this.clear.hidden = this.isEmpty;
    const wanted = this.search.value.toLowerCase();
    const at = this.payload.columns.findIndex((c) => c.name === this.ranged.value) + 1;
    const [low, high] = [number(this.least), number(this.most)];
    this.tellOrder(low, high);
    const isIn = (value: unknown) =>
      (low === null && high === null) ||
      (typeof value === "number" && value >= (low ?? -Infinity) && value <= (high ?? Infinity));
    const withSite = this.withSite();
    return this.payload.rows.flatMap((values, row) => {
      const fits =
        String(values[0] ?? "").toLowerCase().includes(wanted) &&
        [...this.picks].every(([column, pick]) => pick.value === ANY || String(values[column] ?? "") === pick.value) &&
        isIn(values[at]) &&
        withSite(row);
      return fits ? [row] : [];
    });
  }

  /** What is asked, as parameters of the address. */
  write(params: URLSearchParams): URLSearchParams {
    const put = (key: string, value: string) => (value ? params.set(key, value) : params.delete(key));
    put("find", this.search.value);
    for (const [column, pick] of this.picks) {
      put(`is.${this.payload.columns[column - 1]?.name ?? ""}`, pick.value === ANY ? "" : pick.value || "none");
    }
    const isRange = this.least.value !== "" || this.most.value !== "";
    put("range", isRange ? `${this.ranged.value}:${this.least.value}:${this.most.value}` : "");
    put("motif", this.motif.value);
    return params;
  }

  read(params: URLSearchParams): void {
    this.search.value = params.get("find") ?? "";
    for (const [column, pick] of this.picks) {
      const wanted = params.get(`is.${this.payload.columns[column - 1]?.name ?? ""}`);
      pick.value = wanted === null ? ANY : wanted;
      if (pick.selectedIndex < 0) pick.value = wanted === "none" ? "" : ANY;
    }
    const [, name, low = "", high = ""] = /^(.*):([^:]*):([^:]*)$/s.exec(params.get("range") ?? "") ?? [];
    if (name !== undefined) this.ranged.value = name;
    if (this.ranged.selectedIndex < 0) this.ranged.selectedIndex = 0;
    this.least.value = low;
    this.most.value = high;
    const motif = params.get("motif") ?? "";
    const isKnown = [...this.motif.options].some((o) => o.value === motif);
    if (!isKnown) this.motif.append(new Option(`Motif: ${motif} (no site on this page)`, motif));
    this.motif.value = motif;
  }

  private offer(i: number): void {
    const column = this.payload.columns[i];
    if (!column || NOT_ASKED.has(column.name)) return;
    const values = [...new Set(this.payload.rows.map((r) => String(r[i + 1] ?? "")))].sort();
    if (values.length < 2 || values.length > FEW) return;
    const pick = element("select", { "aria-label": column.title }, new Option(`${column.title}: all`, ANY));
    for (const value of values) pick.append(new Option(`${column.title}: ${value || "none"}`, value));
    this.picks.set(i + 1, pick);
    this.element.append(pick);
  }

  /** Says where a range ends before it begins: no number lies in it. */
  private tellOrder(low: number | null, high: number | null): void {
    const isTurned = low !== null && high !== null && low > high;
    const said = isTurned ? `No number lies from ${minus(String(low))} to ${minus(String(high))}: give the smaller one first.` : "";
    setWords(this.turned, said);
    for (const field of [this.least, this.most]) field.setAttribute("aria-invalid", String(isTurned));
  }

  private offerRange(): void {
    const numeric = this.payload.columns.filter((c) => c.numeric);
    for (const column of numeric) this.ranged.append(new Option(column.title, column.name));
    const preferred = numeric.find((c) => NOT_ASKED.has(c.name));
    if (preferred) this.ranged.value = preferred.name;
    if (numeric.length) this.element.append(element("span", { class: "range" }, this.ranged, this.least, "\u2013", this.most), this.turned);
  }

  /** Named motifs, and the patterns whose hits the page has. */
  private offerMotifs(): void {
    const { sites, hits } = this.payload;
    this.motif.append(new Option("Motif: any or none", ""));
    const names = [...new Set([...(sites?.names ?? []), ...(hits?.names ?? [])])];
    for (const name of names) this.motif.append(new Option(`Motif: ${name}`, name));
    if (names.length) this.element.append(this.motif);
  }

  /** Tells rows that have a site or a hit of the wanted motif; every row where none is wanted. */
  private withSite(): (row: number) => boolean {
    const wanted = this.motif.value;
    if (!wanted) return () => true;
    const found = [this.payload.sites, this.payload.hits].map((s) => ({ rows: s?.rows ?? [], at: s?.names.indexOf(wanted) ?? -1 }));
    return (row) => found.some(({ rows, at }) => at >= 0 && (rows[row] ?? []).some((v, k) => k % 5 === 3 && v === at));
  }
}

function number(input: HTMLInputElement): number | null {
  return input.value === "" ? null : input.valueAsNumber;
}
