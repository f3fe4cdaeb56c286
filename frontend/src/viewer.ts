// The panel that draws the chosen sequence: method, zoom, pan, read-out, downloads.

import { button, element, save, short } from "./dom";
import { viewAsSvg, viewAsTable } from "./export";
import { BASES, Letters } from "./letters";
import type { Method, Payload, Store } from "./payload";
import { drawOverview, drawTrack, LEFT, type Mode, observed, palette, RIGHT, type Scene } from "./track";
import { strongest, View } from "./view";

const CLOSE_UP = 80; // bases at most
const COMFORTABLE = 11; // px a letter in the close-up of a narrow window
const READABLE = 7; // px a letter; a sequence whose letters would be narrower opens on its strongest site

export class Viewer {
  private readonly title = element("h3", { id: "viewer-title" });
  private readonly about = element("p", { class: "about" });
  private readonly canvas = element("canvas", { tabindex: 0, role: "img", "aria-describedby": "viewer-readout" });
  private readonly overview = element("canvas", { class: "map", "aria-hidden": "true" });
  private readonly readout = element("p", { class: "readout", id: "viewer-readout" });
  private readonly methods = element("select", { "aria-label": "Attribution method" });
  private readonly modes = element("select", { "aria-label": "What is drawn" });
  private readonly letters: Letters;
  private scene: Scene | null = null;
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
    this.modes.append(new Option("Letters", "letters"), new Option("All four bases", "map"));
    host.append(this.title, this.about, this.toolbar(), this.canvas, this.overview, this.readout);
    this.methods.addEventListener("change", () => void this.load(true));
    this.modes.addEventListener("change", () => {
      if (this.scene) this.scene.mode = this.modes.value as Mode;
      this.draw();
    });
    this.listen();
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
    const chosen = this.methods.value;
    const there = this.store.methodsOf(row);
    this.methods.replaceChildren(...there.map((m) => new Option(m.title, m.name)));
    if (there.some((m) => m.name === chosen)) this.methods.value = chosen;
    this.host.hidden = false;
    await this.load(false);
  }

  private method(): Method | undefined {
    return this.payload.methods.find((m) => m.name === this.methods.value);
  }

  private async load(keepView: boolean): Promise<void> {
    const method = this.method();
    if (!method) return;
    const ticket = ++this.asked;
    try {
      const sequence = await this.store.sequence(this.row, method);
      if (ticket !== this.asked) return; // another row was chosen meanwhile
      const scores = observed(sequence);
      const view = keepView && this.scene ? this.scene.view : new View(sequence.length);
      this.scene = { letters: this.letters, sequence, scores, view, mode: this.modes.value as Mode, cursor: null };
      if (!keepView && this.canvas.clientWidth < READABLE * view.length) this.closeUp();
      this.canvas.setAttribute("aria-label", `${method.title} of ${this.title.textContent ?? ""}`);
      this.say(null);
      this.draw();
    } catch {
      this.readout.textContent = "This browser cannot unpack the sequences (it has no DecompressionStream): use a newer one.";
    }
  }

  private toolbar(): HTMLElement {
    const act = (change: (view: View) => void) => () => {
      if (this.scene) change(this.scene.view);
      this.draw();
    };
    return element(
      "div",
      { class: "bar" },
      this.methods,
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

  private closeUp(): void {
    if (!this.scene) return;
    const { scores, view } = this.scene;
    const site = Math.min(12, scores.length);
    const room = Math.floor((this.canvas.clientWidth - LEFT - RIGHT) / COMFORTABLE);
    const span = Math.max(2 * site, Math.min(CLOSE_UP, room));
    view.show(strongest(scores, site) + site / 2 - span / 2, span);
  }

  private download(kind: "svg" | "tsv"): void {
    const method = this.method();
    if (!this.scene || !method) return;
    const name = this.title.textContent ?? "sequence";
    const { view } = this.scene;
    const file = `${name}.${method.name}.${Math.floor(view.start)}-${Math.ceil(view.end)}.${kind}`;
    if (kind === "svg") save(file, "image/svg+xml", viewAsSvg(name, method.title, this.scene, palette()));
    else save(file, "text/tab-separated-values", viewAsTable(this.scene));
  }

  private position(event: MouseEvent): number {
    const view = this.scene?.view;
    if (!view) return 0;
    const box = this.canvas.getBoundingClientRect();
    return view.start + ((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT)) * view.span;
  }

  private listen(): void {
    let dragged: { x: number; start: number } | null = null;
    this.canvas.addEventListener("pointerdown", (e) => {
      if (!this.scene || e.button !== 0) return;
      dragged = { x: e.clientX, start: this.scene.view.start };
      this.canvas.setPointerCapture(e.pointerId);
    });
    this.canvas.addEventListener("pointermove", (e) => {
      const view = this.scene?.view;
      if (!view) return;
      if (dragged) {
        const perBase = (this.canvas.clientWidth - LEFT - RIGHT) / view.span;
        view.show(dragged.start - (e.clientX - dragged.x) / perBase, view.span);
      }
      this.say(Math.floor(this.position(e)));
      this.draw();
    });
    for (const kind of ["pointerup", "pointercancel"] as const) {
      this.canvas.addEventListener(kind, () => {
        dragged = null;
      });
    }
    this.canvas.addEventListener("pointerleave", () => {
      this.say(null);
      this.draw();
    });
    this.canvas.addEventListener(
      "wheel",
      (e) => {
        // The plain wheel scrolls the page; with Ctrl (or a pinch) it zooms, sideways it pans.
        const view = this.scene?.view;
        if (!view) return;
        if (e.ctrlKey || e.metaKey) view.zoom(Math.exp(Math.max(-60, Math.min(60, e.deltaY)) * 0.008), this.position(e));
        else if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) view.pan((e.deltaX * view.span) / this.canvas.clientWidth);
        else return;
        e.preventDefault();
        this.draw();
      },
      { passive: false },
    );
    this.canvas.addEventListener("dblclick", (e) => {
      this.scene?.view.zoom(1 / 2.5, this.position(e));
      this.draw();
    });
    this.canvas.addEventListener("keydown", (e) => this.key(e));
    this.overview.addEventListener("pointerdown", (e) => this.jump(e));
    this.overview.addEventListener("pointermove", (e) => {
      if (e.buttons & 1) this.jump(e);
    });
    new ResizeObserver(() => this.draw()).observe(this.host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  private jump(event: PointerEvent): void {
    const view = this.scene?.view;
    if (!view) return;
    const box = this.overview.getBoundingClientRect();
    const at = ((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT)) * view.length;
    view.show(at - view.span / 2, view.span);
    this.draw();
  }

  private key(event: KeyboardEvent): void {
    const scene = this.scene;
    if (!scene || event.ctrlKey || event.metaKey || event.altKey) return;
    const { view } = scene;
    const at = scene.cursor ?? Math.floor(view.start + view.span / 2);
    const move = (to: number) => {
      const place = Math.max(0, Math.min(view.length - 1, to));
      if (place < view.start || place >= view.end) view.show(place - view.span / 2, view.span);
      this.say(place);
    };
    const keys: Record<string, () => void> = {
      ArrowLeft: () => (event.shiftKey ? view.pan(-view.span / 4) : move(at - 1)),
      ArrowRight: () => (event.shiftKey ? view.pan(view.span / 4) : move(at + 1)),
      Home: () => move(0),
      End: () => move(view.length - 1),
      "+": () => view.zoom(1 / 1.6, at),
      "=": () => view.zoom(1 / 1.6, at),
      "-": () => view.zoom(1.6, at),
      "0": () => view.show(0, view.length),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
    this.draw();
  }

  private say(position: number | null): void {
    const scene = this.scene;
    if (!scene) return;
    const { sequence, scores } = scene;
    const inside = position !== null && position >= 0 && position < sequence.length;
    scene.cursor = inside ? position : null;
    if (!inside) {
      this.readout.textContent = "Point at a base to read its score. Drag to move, Ctrl + wheel or + and \u2212 to zoom, arrow keys to step.";
      return;
    }
    const units = this.method()?.units ?? "";
    const four = [0, 1, 2, 3].map((b) => `${BASES[b] ?? ""} ${short(sequence.values[b * sequence.length + position] ?? 0)}`);
    const base = BASES[sequence.codes[position] ?? 4] ?? "N";
    this.readout.replaceChildren(
      "Position ",
      element("b", {}, position.toLocaleString("en-US")),
      " \u00b7 base ",
      element("b", {}, base),
      " \u00b7 score ",
      element("b", {}, short(scores[position] ?? 0)),
      units ? ` ${units}` : "",
      ` \u00b7 ${sequence.relative ? "change to " : ""}${four.join(", ")}`,
    );
  }

  private draw(): void {
    if (this.waiting || !this.scene) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (!this.scene || this.host.hidden) return;
      const colors = palette();
      drawTrack(this.canvas, this.scene, colors);
      drawOverview(this.overview, this.scene, colors);
    });
  }
}
