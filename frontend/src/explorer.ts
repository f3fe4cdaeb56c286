// The view of sequences: the table, one or two panels, and the address that brings both back.

import { button, element } from "./dom";
import { labels, Store, type Payload } from "./payload";
import { onShow, record } from "./route";
import { quantities } from "./scales";
import { SequenceTable } from "./table";
import { getColors, onColors, setColors } from "./theme";
import { type Shown, Viewer } from "./viewer";
import type { Mode } from "./lanes";
import type { Minus } from "./difference";

const VIEW = "sequences";
type Layout = "one" | "same" | "two";

export class Explorer {
  private readonly labels: string[]; // a name for each row that no other row has
  private readonly left: Viewer;
  private right: Viewer | null = null; // made when it is first asked for
  private readonly table: SequenceTable;
  private readonly panels = element("div", { class: "panels" });
  private readonly second = element("div", { class: "viewer", id: "second-viewer", hidden: true });
  private readonly layouts = element("select", { "aria-label": "Side by side" });
  private readonly names = element("datalist", { id: "sequence-names" });
  private readonly other = element("input", { type: "search", list: "sequence-names", "aria-label": "The sequence beside", placeholder: "Name of the second" });
  private readonly together = element("input", { type: "checkbox", checked: true });
  private readonly ownScale = element("input", { type: "checkbox" });
  private readonly scale = element("label", {}, this.ownScale, "Own scale");
  private readonly zoom = element("label", {}, this.together, "Zoom together");
  private rows: [number, number] = [-1, -1];
  private isOpening = false;
  private written = "";

  private readonly store: Store;

  constructor(
    host: HTMLElement,
    panel: HTMLElement,
    private readonly payload: Payload,
  ) {
    this.store = new Store(payload);
    this.labels = labels(payload);
    panel.before(this.beside(), this.panels);
    this.panels.append(panel, this.second);
    this.left = new Viewer(panel, this.store, payload, {
      changed: () => this.moved(this.left, this.right),
      beside: () => (this.sharesScale ? this.right : null),
    });
    this.table = new SequenceTable(host, payload, {
      open: (row, isBeside) => void (isBeside ? this.show(this.rows[0], row) : this.show(row, this.layouts.value === "same" ? row : this.rows[1])),
      changed: () => this.write(),
    });
    onColors(() => this.write());
    onShow(VIEW, (params) => void this.restore(params));
  }

  /** Draws the first sequence before it is looked at, so that it can be printed. */
  prepare(): void {
    if (this.rows[0] < 0 && !this.isOpening) void this.restore(new URLSearchParams());
  }

  focusSearch(): void {
    this.table.focusSearch();
  }

  private beside(): HTMLElement {
    this.layouts.append(new Option("One sequence", "one"), new Option("The same one twice", "same"), new Option("Two sequences", "two"));
    this.layouts.addEventListener("change", () => void this.layOut(this.layouts.value as Layout));
    this.other.addEventListener("focus", () => {
      if (!this.names.firstChild) this.names.append(...this.labels.map((label) => new Option(label, label)));
    });
    this.other.addEventListener("change", () => {
      const row = this.labels.indexOf(this.other.value);
      this.other.setCustomValidity(row < 0 ? "No sequence of this page has this name." : "");
      if (row >= 0) void this.show(this.rows[0], row);
      else this.other.reportValidity();
    });
    this.together.addEventListener("change", () => {
      if (this.together.checked) this.right?.follow(this.left);
      this.write();
    });
    this.ownScale.addEventListener("change", () => {
      this.redraw();
      this.write();
    });
    const swap = button("Swap", "Swap the two sequences", () => void this.swap());
    swap.dataset.needs = "two";
    return element("div", { class: "bar beside-bar" }, this.layouts, this.other, this.names, swap, this.zoom, this.scale);
  }

  private layOut(layout: Layout): Promise<void> {
    const [first, second] = this.rows;
    if (layout === "one") return this.show(first, -1);
    if (layout === "same") return this.show(first, first);
    const isOther = second >= 0 && second !== first;
    const next = this.labels.length > 1 ? (first + 1) % this.labels.length : first;
    return this.show(first, isOther ? second : next);
  }

  /** Opens a sequence and, where `second` is none of -1, another beside it. */
  private async show(first: number, second: number, states: [Partial<Shown>?, Partial<Shown>?] = []): Promise<void> {
    const before = this.rows;
    this.rows = [first, second];
    const hasTwo = second >= 0;
    this.second.hidden = !hasTwo;
    this.panels.classList.toggle("two", hasTwo);
    this.layouts.value = !hasTwo ? "one" : first === second ? "same" : "two";
    this.other.value = hasTwo ? (this.labels[second] ?? "") : "";
    this.other.hidden = !hasTwo;
    this.zoom.hidden = !hasTwo;
    this.layouts.parentElement?.querySelectorAll<HTMLElement>("[data-needs]").forEach((e) => (e.hidden = this.layouts.value !== "two"));
    this.table.select(first, second);
    this.isOpening = true;
    if (first !== before[0] || states[0]) await this.left.open(first, states[0]);
    if (hasTwo && (second !== before[1] || states[1])) await this.made().open(second, states[1] ?? this.twin(second));
    this.pair(before[1] !== second && !states[1]);
    this.redraw();
    this.isOpening = false;
    this.write();
  }

  /** Each sequence keeps its window; the tracks stay with the panels. */
  private swap(): Promise<void> {
    const windowOf = (viewer: Viewer | null) => {
      const shown = viewer?.shown();
      return shown ? { from: shown.from, to: shown.to } : undefined;
    };
    return this.show(this.rows[1], this.rows[0], [windowOf(this.right), windowOf(this.left)]);
  }

  private made(): Viewer {
    this.right ??= new Viewer(this.second, this.store, this.payload, {
      prefix: "second-",
      changed: () => this.moved(this.right, this.left),
      beside: () => (this.sharesScale ? this.left : null),
    });
    return this.right;
  }

  /** What a new panel shows of the same sequence: the other methods. */
  private twin(second: number): Partial<Shown> | undefined {
    const shown = this.left.shown();
    const scored = [...this.left.scored().keys()];
    if (!shown || second !== this.rows[0] || scored.length < 2) return undefined;
    return { lanes: scored.slice(1), mode: shown.mode };
  }

  /** Tells the second panel what it can subtract, and lets it follow the first. */
  private pair(isNew: boolean): void {
    const { left, right } = this;
    if (this.rows[1] < 0 || !right) return;
    const isOther = this.rows[0] !== this.rows[1];
    right.compareWith(isOther ? { name: left.name, scored: left.scored() } : null, isNew);
    if (this.together.checked) right.follow(left);
  }

  private get sharesScale(): boolean {
    return this.rows[1] >= 0 && !this.ownScale.checked;
  }

  /** Draws both panels, of which each may set the scale of the other. */
  private redraw(): void {
    const beside = this.rows[1] >= 0 && this.right ? quantities(this.right.panel) : [];
    this.scale.hidden = !quantities(this.left.panel).some((one) => beside.includes(one));
    this.left.draw();
    this.right?.draw();
  }

  private moved(one: Viewer | null, other: Viewer | null): void {
    if (this.isOpening || !one) return;
    if (this.rows[1] >= 0 && this.together.checked) other?.follow(one);
    this.redraw();
    this.write();
  }

  private write(): void {
    const shown = this.left.shown();
    if (!shown || this.isOpening) return;
    const params = new URLSearchParams({ name: this.labels[this.rows[0]] ?? "" });
    writeShown(params, shown, "");
    const beside = this.rows[1] >= 0 ? this.right?.shown() : null;
    if (beside) {
      params.set("second", this.labels[this.rows[1]] ?? "");
      writeShown(params, beside, "2");
      if (!this.together.checked) params.set("zoom", "free");
      if (this.ownScale.checked) params.set("scale", "own");
    }
    if (getColors() !== "standard") params.set("palette", getColors());
    this.table.write(params);
    this.written = params.toString();
    record(VIEW, params);
  }

  /** The row that is open where a method explains it, else the first that one explains, or -1. */
  private explainedBy(methods: string[]): number {
    const isExplained = (row: number) => this.store.methodsOf(row).some((m) => methods.includes(m.name));
    return isExplained(this.rows[0]) ? this.rows[0] : this.payload.rows.findIndex((_, row) => isExplained(row));
  }

  /** Shows what an address names; what it does not name is as it comes. */
  private async restore(params: URLSearchParams): Promise<void> {
    if (this.rows[0] >= 0 && (params.toString() === this.written || params.size === 0)) {
      this.write();
      return;
    }
    this.isOpening = true; // so that nothing is written before all is read
    if (params.get("palette") === "safe") setColors("safe");
    this.table.read(params);
    const named = this.labels.indexOf(params.get("name") ?? "");
    const methods = named < 0 ? split(params.get("methods") ?? "") : []; // as a job names its result
    const explained = methods.length ? this.explainedBy(methods) : -1;
    const first = named >= 0 ? named : explained >= 0 ? explained : (this.table.first() ?? 0);
    const second = this.labels.indexOf(params.get("second") ?? "");
    this.together.checked = params.get("zoom") !== "free";
    this.ownScale.checked = params.get("scale") === "own";
    const isWhole = named >= 0 && params.has("from"); // else a link that only names a sequence
    await this.show(first, second, [isWhole ? readShown(params, "") : explained >= 0 ? { lanes: methods } : {}, params.has("from2") ? readShown(params, "2") : undefined]);
  }
}

function writeShown(params: URLSearchParams, shown: Shown, suffix: string): void {
  params.set(`from${suffix}`, short(shown.from));
  params.set(`to${suffix}`, short(shown.to));
  if (shown.lanes) params.set(`methods${suffix}`, joined(shown.lanes));
  if (shown.mode !== "letters") params.set(`mode${suffix}`, shown.mode);
  if (shown.minus) params.set(`minus${suffix}`, joined(shown.minus));
}

function readShown(params: URLSearchParams, suffix: string): Partial<Shown> {
  const [from, to] = [`from${suffix}`, `to${suffix}`].map((key) => Number(params.get(key) ?? Number.NaN));
  const isWindow = from !== undefined && to !== undefined && Number.isFinite(from) && to > from;
  const methods = params.get(`methods${suffix}`);
  const mode = params.get(`mode${suffix}`);
  const minus = split(params.get(`minus${suffix}`) ?? "");
  return {
    ...(isWindow ? { from, to } : {}),
    lanes: methods === null ? null : split(methods),
    mode: (mode === "map" || mode === "both" ? mode : "letters") satisfies Mode,
    minus: minus.length === 2 ? (minus as Minus) : null,
  };
}

/** A position of the window, in tenths of a base: finer than a pixel where that can be seen. */
function short(position: number): string {
  return String(Math.round(position * 10) / 10);
}

function joined(names: string[]): string {
  return names.map((name) => name.replace(/[%,]/g, encodeURIComponent)).join(",");
}

function split(text: string): string[] {
  try {
    return text ? text.split(",").map(decodeURIComponent) : [];
  } catch {
    return [];
  }
}
