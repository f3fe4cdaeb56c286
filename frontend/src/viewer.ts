// The panel of the chosen sequence: lanes on one axis, zoom, pan, read-out, downloads.

import { agreementTable } from "./agreement";
import { button, element, save, short } from "./dom";
import { viewAsSvg, viewAsTable } from "./export";
import { conflictLane, hitLane, type Lane, methodLanes, type Mode, siteLane } from "./lanes";
import { BASES, Letters } from "./letters";
import { listen } from "./moves";
import type { Explained, Payload, Store } from "./payload";
import { CanvasPen } from "./pen";
import { drawOverview, drawRuler, frameOf, LEFT, palette, RIGHT, sharp } from "./track";
import { strongest, View } from "./view";

const CLOSE_UP = 80; // bases at most
const COMFORTABLE = 11; // px a letter in the close-up of a narrow window
const READABLE = 7; // px a letter; a sequence whose letters would be narrower opens on its strongest site
const HELP = "Point at a base to read its scores. Drag to move, Ctrl + wheel or + and \u2212 to zoom, arrow keys to step.";

export class Viewer {
  private readonly title = element("h3", { id: "viewer-title" });
  private readonly about = element("p", { class: "about" });
  private readonly stack = element("div", { class: "stack", tabindex: 0, role: "group", "aria-describedby": "viewer-readout" });
  private readonly overview = element("canvas", { class: "map", "aria-hidden": "true" });
  private readonly readout = element("p", { class: "readout", id: "viewer-readout" });
  private readonly modes = element("select", { "aria-label": "What is drawn of each base" });
  private readonly choices = element("div", { class: "bar choices", role: "group", "aria-label": "Tracks shown" });
  private readonly matrix = element("div");
  private readonly letters: Letters;
  private readonly chosen = new Map<string, boolean>(); // what the reader switched on and off
  private canvases: HTMLCanvasElement[] = [];
  private ruler = element("canvas", { "aria-hidden": "true" });
  private sequences = new Map<string, Explained>();
  private all: Lane[] = [];
  private lanes: Lane[] = [];
  private view: View | null = null;
  private cursor: number | null = null;
  private row = -1;
  private asked = 0;
  private waiting = 0;

  constructor(
    private readonly host: HTMLElement,
    private readonly store: Store,
    private readonly payload: Payload,
  ) {
    this.letters = new Letters(payload.letters);
    host.setAttribute("role", "group");
    host.setAttribute("aria-labelledby", "viewer-title");
    this.modes.append(
      new Option("Letters", "letters"),
      new Option("All four bases", "map"),
      new Option("Letters and all four bases", "both"),
    );
    this.modes.addEventListener("change", () => this.arrange());
    host.append(this.title, this.about, this.toolbar(), this.choices, this.stack, this.overview, this.readout, this.matrix);
    listen(this.stack, this.overview, {
      view: () => this.view,
      cursor: () => this.cursor,
      point: (position) => this.say(position),
      draw: () => this.draw(),
    });
    new ResizeObserver(() => this.draw()).observe(host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  async open(row: number): Promise<void> {
    this.row = row;
    const values = this.payload.rows[row] ?? [];
    this.title.textContent = String(values[0] ?? "");
    const facts = this.payload.columns.map((c, i) => {
      const v = values[i + 1];
      return v === null || v === undefined || v === "" ? "" : `${c.title} ${typeof v === "number" ? short(v) : v}`;
    });
    this.about.textContent = [...facts.filter(Boolean), `${(this.payload.lengths[row] ?? 0).toLocaleString("en-US")} bp`].join(" \u00b7 ");
    this.host.hidden = false;
    const ticket = ++this.asked;
    const methods = this.store.methodsOf(row);
    try {
      const found = await Promise.all(methods.map((m) => this.store.sequence(row, m)));
      if (ticket !== this.asked) return; // another row was chosen meanwhile
      this.sequences = new Map(methods.map((m, i) => [m.name, found[i] as Explained]));
    } catch {
      this.readout.textContent = "This browser cannot unpack the sequences (it has no DecompressionStream): use a newer one.";
      return;
    }
    this.view = new View(this.payload.lengths[row] ?? 0);
    const { agreement } = this.payload;
    const table = agreement && agreementTable(agreement, methods, row);
    this.matrix.replaceChildren(...(table ? [table] : []));
    this.arrange();
    if (this.stack.clientWidth < READABLE * this.view.length) this.closeUp();
    this.say(null);
  }

  /** Makes the lanes of the sequence anew, and the canvases of those that are switched on. */
  private arrange(): void {
    const { payload, row } = this;
    const mode = this.modes.value as Mode;
    const methods = this.store.methodsOf(row);
    methods.sort((a, b) => Number(a.tracks.length > 0) - Number(b.tracks.length > 0));
    this.all = methods.flatMap((m) => {
      const sequence = this.sequences.get(m.name);
      return sequence ? methodLanes(m, sequence, mode, methods.length) : [];
    });
    if (payload.hits) this.all.push(hitLane(payload.hits, row));
    if (payload.sites) this.all.push(siteLane(payload.sites, row));
    if (payload.agreement) this.all.push(conflictLane(payload.agreement, row));
    this.choose();
    this.show();
  }

  private show(): void {
    this.lanes = this.all.filter((lane) => this.isOn(lane));
    const name = this.title.textContent ?? "";
    this.canvases = this.lanes.map((lane) => element("canvas", { role: "img", "aria-label": `${lane.title} of ${name}` }));
    this.ruler = element("canvas", { "aria-hidden": "true" });
    const figures = this.lanes.map((lane, i) => {
      const note = lane.note ? [element("span", {}, ` ${lane.note}`)] : [];
      return element("figure", { class: "lane", "data-lane": lane.key }, element("figcaption", {}, lane.title, ...note), this.canvases[i] as Node);
    });
    this.stack.setAttribute("aria-label", `Tracks of ${name}`);
    this.stack.replaceChildren(...figures, this.ruler);
    this.draw();
  }

  private isOn(lane: Lane): boolean {
    return this.chosen.get(lane.key) ?? !lane.isOff;
  }

  private choose(): void {
    const first = new Map<string, Lane>();
    for (const lane of this.all) if (!first.has(lane.key)) first.set(lane.key, lane);
    const boxes = [...first.values()].map((lane) => {
      const box = element("input", { type: "checkbox", value: lane.key });
      box.checked = this.isOn(lane);
      box.addEventListener("change", () => {
        this.chosen.set(lane.key, box.checked);
        this.show();
      });
      return element("label", {}, box, lane.title.replace(/, all four bases$/, ""));
    });
    this.choices.replaceChildren(...boxes);
  }

  private toolbar(): HTMLElement {
    const act = (change: (view: View) => void) => () => {
      if (this.view) change(this.view);
      this.draw();
    };
    return element(
      "div",
      { class: "bar" },
      this.modes,
      button("\u2212", "Zoom out", act((v) => v.zoom(1.6))),
      button("+", "Zoom in", act((v) => v.zoom(1 / 1.6))),
      button("Whole", "Show the whole sequence", act((v) => v.show(0, v.length))),
      button("Strongest site", "Zoom to the strongest site", () => {
        this.closeUp();
        this.draw();
      }),
      element("span", { class: "gap" }),
      button("SVG", "Download this view as SVG", () => this.download("svg")),
      button("TSV", "Download this view as a table", () => this.download("tsv")),
    );
  }

  /** Scores that the overview and the strongest site follow: of the first method that has any. */
  private leading(): Float32Array | undefined {
    return (this.lanes.find((l) => l.scores) ?? this.all.find((l) => l.scores))?.scores;
  }

  private closeUp(): void {
    const scores = this.leading();
    if (!this.view || !scores) return;
    const site = Math.min(12, scores.length);
    const room = Math.floor((this.stack.clientWidth - LEFT - RIGHT) / COMFORTABLE);
    const span = Math.max(2 * site, Math.min(CLOSE_UP, room));
    this.view.show(strongest(scores, site) + site / 2 - span / 2, span);
  }

  private download(kind: "svg" | "tsv"): void {
    const sequence = [...this.sequences.values()][0];
    if (!this.view || !sequence) return;
    const name = this.title.textContent ?? "sequence";
    const file = `${name}.${Math.floor(this.view.start)}-${Math.ceil(this.view.end)}.${kind}`;
    if (kind === "svg") save(file, "image/svg+xml", viewAsSvg(name, this.lanes, this.view, this.payload.letters, palette()));
    else save(file, "text/tab-separated-values", viewAsTable(sequence, this.lanes, this.view));
  }

  private say(position: number | null): void {
    const { view } = this;
    if (!view) return;
    const inside = position !== null && position >= 0 && position < view.length;
    this.cursor = inside ? position : null;
    if (!inside) {
      this.readout.textContent = HELP;
      return;
    }
    const codes = [...this.sequences.values()][0]?.codes;
    const base = BASES[codes?.[position] ?? 4] ?? "N";
    const said = this.lanes.map((lane) => lane.read(position)).filter(Boolean);
    this.readout.replaceChildren(
      "Position ",
      element("b", {}, position.toLocaleString("en-US")),
      " \u00b7 base ",
      element("b", {}, base),
      ...said.map((text) => ` \u00b7 ${text}`),
    );
  }

  private draw(): void {
    if (this.waiting || !this.view) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      const { view, cursor } = this;
      if (!view || this.host.hidden) return;
      const colors = palette();
      this.lanes.forEach((lane, i) => {
        const canvas = this.canvases[i];
        if (!canvas) return;
        const [context, width] = sharp(canvas, lane.height);
        const frame = frameOf(view, width, lane.height, colors);
        const pen = new CanvasPen(context, this.letters);
        if (cursor !== null && cursor >= view.start && cursor < view.end) {
          pen.box(frame.x(cursor), 0, Math.max(1, frame.perBase), lane.height, colors.rule);
        }
        lane.draw(pen, frame);
      });
      const [context, width] = sharp(this.ruler, 22);
      drawRuler(new CanvasPen(context, this.letters), view, frameOf(view, width, 22, colors));
      const scores = this.leading();
      this.overview.hidden = !scores;
      if (scores) drawOverview(this.overview, scores, view, colors);
    });
  }
}
