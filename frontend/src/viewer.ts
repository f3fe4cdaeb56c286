// The panel of the chosen sequence: lanes on one axis, zoom, pan, read-out, downloads.

import { agreementTable } from "./agreement";
import { type Against, DifferenceChoice, differenceLane, type Minus, type Scored } from "./difference";
import { button, element, setWords } from "./dom";
import { type FileKind, saveView } from "./export";
import { conflictLane, hitLane, type Lane, laneBoxes, methodLanes, type Mode, siteLane } from "./lanes";
import { BASES, Letters } from "./letters";
import { listen } from "./moves";
import { optimumLanes } from "./optimum";
import { type Explained, facts, labels, type Payload, type Store } from "./payload";
import { CanvasPen } from "./pen";
import { sentence } from "./said";
import { type Panel, scaleSaid, sharedReach } from "./scales";
import { drawOverview, drawRuler, frameOf, LEFT, observed, palette, RIGHT, sharp } from "./track";
import { inLight, onColors } from "./theme";
import { strongest, View } from "./view";

const CLOSE_UP = 80; // bases at most
const COMFORTABLE = 11; // px a letter in the close-up of a narrow window
const READABLE = 7; // px a letter; a sequence whose letters would be narrower opens on its strongest site
const PRINTED = 700; // px, about the width of a sheet between its margins
const PAUSE = 250; // ms without a move after which texts follow
const HELP = "Point at a base to read its scores. Drag to move, Ctrl + wheel, a pinch or + and \u2212 to zoom, arrow keys to step.";

export interface ViewerOptions {
  prefix?: string; // of the ids of its elements, where a page has several viewers
  changed?(): void; // after the reader changed what is shown
  beside?(): Viewer | null; // whose scales are shared
  pick?(position: number): void; // a base was clicked, or Enter pressed on it
}

/** What a reader set: enough to show the same again. */
export interface Shown {
  from: number;
  to: number;
  lanes: string[] | null; // those that are on; null: as they come
  mode: Mode;
  minus: Minus | null;
}

export class Viewer {
  private readonly title: HTMLElement;
  private readonly about = element("p", { class: "about" });
  readonly stack: HTMLElement; // the tracks
  private readonly overview = element("canvas", { class: "map", "aria-hidden": "true" });
  private readonly readout: HTMLElement;
  private readonly modes = element("select", { "aria-label": "What is drawn of each base" });
  private readonly choices = element("div", { class: "bar choices", role: "group", "aria-label": "Tracks shown" });
  private readonly difference = new DifferenceChoice(() => this.rearrange());
  private readonly matrix = element("div");
  private readonly letters: Letters;
  private readonly chosen = new Map<string, boolean>(); // what the reader switched on and off
  private against: Against | null = null;
  private canvases: HTMLCanvasElement[] = [];
  private scales: HTMLElement[] = []; // what is said of the scale of each lane
  private ruler = element("canvas", { "aria-hidden": "true" });
  private sequences = new Map<string, Explained>();
  private all: Lane[] = [];
  private lanes: Lane[] = [];
  private view: View | null = null;
  private cursor: number | null = null;
  private isUnsettled = false;
  private row = -1;
  private asked = 0;
  private waiting = 0;
  private paper = 0; // px, while the page is printed
  private pause = 0;

  constructor(
    private readonly host: HTMLElement,
    private store: Store,
    private payload: Payload,
    private readonly options: ViewerOptions = {},
  ) {
    const prefix = options.prefix ?? "";
    this.title = element("h3", { id: `${prefix}viewer-title` });
    this.readout = element("p", { class: "readout", id: `${prefix}viewer-readout` });
    this.stack = element("div", { class: "stack", tabindex: 0, role: "group", "aria-describedby": this.readout.id });
    this.letters = new Letters(payload.letters);
    host.setAttribute("role", "group");
    host.setAttribute("aria-labelledby", this.title.id);
    this.modes.append(
      new Option("Letters", "letters"),
      new Option("All four bases", "map"),
      new Option("Letters and all four bases", "both"),
    );
    this.modes.addEventListener("change", () => this.rearrange());
    host.append(this.title, this.about, this.toolbar(), this.choices, this.stack, this.overview, this.readout, this.matrix);
    listen(this.stack, this.overview, {
      view: () => this.view,
      cursor: () => this.cursor,
      point: (position) => this.say(position),
      draw: () => this.moved(),
      ...(options.pick && { pick: (at: number) => at >= 0 && at < (this.view?.length ?? 0) && options.pick?.(at) }),
    });
    new ResizeObserver(() => {
      this.settle();
      this.draw();
    }).observe(host);
    onColors(() => this.draw());
    addEventListener("beforeprint", () => this.print(PRINTED));
    addEventListener("afterprint", () => this.print(0));
  }

  get name(): string {
    return this.title.textContent ?? "";
  }

  /** Opens a sequence as it comes, or as it was shown before. */
  async open(row: number, shown?: Partial<Shown>): Promise<void> {
    this.row = row;
    this.title.textContent = labels(this.payload)[row] ?? "";
    this.about.textContent = facts(this.payload, row);
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
    if (shown?.mode) this.modes.value = shown.mode;
    if (shown?.minus !== undefined) this.difference.choose(shown.minus);
    this.arrange();
    if (shown?.lanes) this.only(shown.lanes);
    if (shown?.to !== undefined) this.view.show(shown.from ?? 0, shown.to - (shown.from ?? 0));
    this.isUnsettled = shown?.to === undefined;
    this.settle();
    this.say(null);
    this.options.changed?.();
  }

  /** Another answer in the place of the one that is shown: window, tracks and position stay. */
  async renew(store: Store, payload: Payload): Promise<void> {
    const { cursor } = this;
    const shown = this.payload.lengths[0] === payload.lengths[0] ? this.shown() : null;
    this.store = store;
    this.payload = payload;
    await this.open(0, shown ?? undefined);
    this.say(cursor);
  }

  /** The window that is shown, and where the reader is in it. */
  get place(): { window: View | null; position: number | null } {
    return { window: this.view, position: this.cursor };
  }

  /** Opens on the whole sequence or on its strongest site, as soon as it is known how wide it is. */
  private settle(): void {
    if (!this.isUnsettled || !this.view || !this.stack.clientWidth) return;
    this.isUnsettled = false;
    if (this.stack.clientWidth < READABLE * this.view.length) this.closeUp();
  }

  /** What is shown now; nothing before a sequence is open. */
  shown(): Shown | null {
    if (!this.view) return null;
    const asItComes = this.all.every((lane) => this.isOn(lane) === !lane.isOff);
    return {
      from: this.view.start,
      to: this.view.end,
      lanes: asItComes ? null : [...new Set(this.lanes.map((l) => l.key).filter((key) => key !== "difference"))],
      mode: this.modes.value as Mode,
      minus: this.difference.value,
    };
  }

  /** Shows the window and the position that another viewer shows. */
  follow(other: Viewer): void {
    if (!this.view || !other.view) return;
    this.view.show(other.view.start, other.view.span);
    this.say(other.cursor);
    this.draw();
  }

  /** The tracks that are shown, and the window in which they are. */
  get panel(): Panel {
    return { lanes: this.lanes, view: this.view };
  }

  /** Sets what can be subtracted from this sequence, and whether it is at once. */
  compareWith(against: Against | null, isShown: boolean): void {
    this.against = against;
    if (isShown && against) this.difference.subtract(against, this.scored());
    this.rearrange();
  }

  /** Scores of the bases that are there, by method. */
  scored(): Map<string, Scored> {
    const found = new Map<string, Scored>();
    for (const method of this.store.methodsOf(this.row)) {
      const sequence = this.sequences.get(method.name);
      if (!sequence || method.tracks.length) continue;
      const { title, units, signed, relative } = method;
      found.set(method.name, { title, units, signed, relative, scores: observed(sequence), codes: sequence.codes });
    }
    return found;
  }

  /** Makes the lanes of the sequence anew, and the canvases of those that are switched on. */
  private arrange(): void {
    const { payload, row } = this;
    const mode = this.modes.value as Mode;
    const methods = this.store.methodsOf(row);
    const lanesOf = (isTracks: boolean) =>
      methods
        .filter((m) => m.tracks.length > 0 === isTracks)
        .flatMap((m) => {
          const sequence = this.sequences.get(m.name);
          return sequence ? methodLanes(m, sequence, mode, methods.length) : [];
        });
    const own = this.scored();
    this.difference.offer(own, this.against);
    const difference = differenceLane(this.difference.value, own, this.against);
    this.all = [...lanesOf(false), ...(difference ? [difference] : []), ...lanesOf(true)];
    if (payload.hits) this.all.push(hitLane(payload.hits, row));
    if (payload.sites) this.all.push(siteLane(payload.sites, row));
    if (payload.agreement) this.all.push(conflictLane(payload.agreement, row));
    if (payload.optima) this.all.push(...optimumLanes(payload.optima, this.codes()));
    this.choose();
    this.show();
  }

  private rearrange(): void {
    if (!this.view) return;
    this.arrange();
    this.options.changed?.();
  }

  private codes(): Uint8Array {
    return [...this.sequences.values()][0]?.codes ?? new Uint8Array();
  }

  private show(): void {
    this.lanes = this.all.filter((lane) => this.isOn(lane));
    this.canvases = this.lanes.map(() => element("canvas", { role: "img" }));
    this.scales = this.lanes.map(() => element("span"));
    this.ruler = element("canvas", { "aria-hidden": "true" });
    const figures = this.lanes.map((lane, i) => {
      const note = lane.note ? [element("span", {}, ` ${lane.note}`)] : [];
      const caption = element("figcaption", {}, lane.title, ...note, " ", this.scales[i] as Node);
      return element("figure", { class: "lane", "data-lane": lane.key }, caption, this.canvases[i] as Node);
    });
    this.stack.setAttribute("aria-label", `Tracks of ${this.name}`);
    this.stack.replaceChildren(...figures, this.ruler);
    this.tell();
    this.draw();
  }

  private isOn(lane: Lane): boolean {
    return this.chosen.get(lane.key) ?? !lane.isOff;
  }

  private only(keys: string[]): void {
    for (const { key } of this.all) this.chosen.set(key, keys.includes(key) || key === "difference");
    this.choose();
    this.show();
  }

  private choose(): void {
    const boxes = laneBoxes(this.all, (lane) => this.isOn(lane), (key, isOn) => {
      this.chosen.set(key, isOn);
      this.show();
      this.options.changed?.();
    });
    this.choices.replaceChildren(...boxes);
  }

  private toolbar(): HTMLElement {
    const act = (change: (view: View) => void) => () => {
      if (this.view) change(this.view);
      this.moved();
    };
    return element(
      "div",
      { class: "bar" },
      this.modes,
      button("\u2212", "Zoom out", act((v) => v.zoom(1.6))),
      button("+", "Zoom in", act((v) => v.zoom(1 / 1.6))),
      button("Whole", "Show the whole sequence", act((v) => v.show(0, v.length))),
      button("Strongest site", "Zoom to the strongest site", act(() => this.closeUp())),
      this.difference.element,
      element("span", { class: "gap" }),
      element(
        "span",
        { class: "downloads" },
        button("SVG", "Download this view as SVG", () => this.download("svg")),
        button("PNG", "Download this view as PNG", () => this.download("png")),
        button("TSV", "Download this view as a table", () => this.download("tsv")),
      ),
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

  private download(kind: FileKind): void {
    const sequence = [...this.sequences.values()][0];
    if (this.view && sequence) saveView(kind, this.name || "sequence", sequence, this.lanes, this.view, this.payload.letters, (lane) => sharedReach(lane, this.panel, this.options.beside?.()?.panel));
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
    const base = BASES[this.codes()[position] ?? 4] ?? "N";
    const said = this.lanes.map((lane) => lane.read(position)).filter(Boolean);
    this.readout.replaceChildren(
      "Position ",
      element("b", {}, position.toLocaleString("en-US")),
      " \u00b7 base ",
      element("b", {}, base),
      ...said.map((text) => ` \u00b7 ${text}`),
    );
  }

  /** After the reader moved: the picture at once, its texts when the move is over. */
  private moved(): void {
    this.draw();
    this.options.changed?.();
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.tell(), PAUSE);
  }

  /** Each canvas in a sentence, for those who do not see it. */
  private tell(): void {
    const { view } = this;
    if (!view) return;
    this.lanes.forEach((lane, i) => this.canvases[i]?.setAttribute("aria-label", sentence(lane, this.name, this.codes(), view)));
  }

  /** Draws for paper of a width, and leaves it so until the paper is there (width 0). */
  private print(width: number): void {
    this.paper = width;
    if (width) inLight(() => this.paint());
    else this.draw();
  }

  draw(): void {
    if (this.paper || this.waiting || !this.view) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.paint();
    });
  }

  /** Draws every lane, as wide as it is on the page or as paper is. */
  private paint(): void {
    const { view, cursor } = this;
    const wide = this.paper || undefined;
    if (!view || this.host.hidden || !(wide ?? this.stack.clientWidth)) return;
    const colors = palette();
    const beside = this.options.beside?.()?.panel;
    this.lanes.forEach((lane, i) => {
      const canvas = this.canvases[i];
      if (!canvas) return;
      const [context, width] = sharp(canvas, lane.height, wide);
      const reach = sharedReach(lane, this.panel, beside);
      const frame = frameOf(view, width, lane.height, colors, reach);
      const place = this.scales[i];
      if (place) setWords(place, scaleSaid(lane, reach));
      const pen = new CanvasPen(context, this.letters);
      if (cursor !== null && cursor >= view.start && cursor < view.end) {
        pen.box(frame.x(cursor), 0, Math.max(1, frame.perBase), lane.height, colors.rule);
      }
      lane.draw(pen, frame);
    });
    const [context, width] = sharp(this.ruler, 22, wide);
    drawRuler(new CanvasPen(context, this.letters), view, frameOf(view, width, 22, colors));
    const scores = this.leading();
    this.overview.hidden = !scores;
    if (scores && !wide) drawOverview(this.overview, scores, view, colors);
  }
}
