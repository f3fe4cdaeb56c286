// The motifs of the run at hand: dragged onto the tracks, or put in at a position that is typed.

import { button, element, short } from "../dom";
import type { PaletteMotif } from "./api";
import { reverseComplement } from "./edits";

export interface PaletteActs {
  /** Whether something can be put in where the pointer is, and what stands there. */
  over(x: number, y: number, width: number): boolean;
  drop(motif: PaletteMotif, isForward: boolean, x: number, y: number): void;
  insert(motif: PaletteMotif, isForward: boolean, at: number): void;
}

export class Palette {
  readonly element = element("div", { class: "palette" });
  private readonly list = element("div", { class: "motif-list", role: "radiogroup", "aria-label": "Motif to put in" });
  private readonly search = element("input", { type: "search", placeholder: "Filter motifs", "aria-label": "Filter motifs" });
  private readonly at = element("input", { type: "number", min: 0, value: 0, id: "insert-at" });
  private readonly strand = element("select", { "aria-label": "Strand" }, new Option("+ strand", "+"), new Option("\u2212 strand", "-"));
  private readonly ghost = element("div", { class: "ghost", hidden: true, "aria-hidden": "true" });
  private readonly said = element("p", { class: "warned", role: "status" });
  private motifs: PaletteMotif[] = [];
  private chosen = 0;

  constructor(private readonly acts: PaletteActs) {
    this.search.addEventListener("input", () => this.draw());
    this.strand.addEventListener("change", () => this.draw());
    const insert = button("Insert", "Put the chosen motif in at this position", () => {
      const [motif, at] = [this.motifs[this.chosen], this.at.valueAsNumber];
      if (!Number.isInteger(at)) this.tell("A position is a whole number of base pairs, counted as below the tracks.");
      else if (motif) this.acts.insert(motif, this.isForward, at);
    });
    const bar = element("div", { class: "bar" }, this.search, this.strand, element("label", { for: "insert-at" }, "at position"), this.at, insert);
    this.element.append(bar, this.said, this.list, this.ghost);
    bar.addEventListener("input", () => this.tell(""));
  }

  get isForward(): boolean {
    return this.strand.value === "+";
  }

  show(motifs: PaletteMotif[]): void {
    this.motifs = motifs;
    this.draw();
  }

  /** Where Insert puts a motif, until another position is typed. */
  suggest(at: number): void {
    this.at.value = String(at);
  }

  /** What is to be known of the motif that was put in last. */
  tell(text: string): void {
    this.said.textContent = text;
  }

  private draw(): void {
    const wanted = this.search.value.trim().toLowerCase();
    const kept = this.motifs.map((motif, i) => ({ motif, i })).filter(({ motif }) => labelOf(motif).toLowerCase().includes(wanted));
    if (!kept.some(({ i }) => i === this.chosen)) this.chosen = kept[0]?.i ?? -1;
    const cards = kept.map(({ motif, i }) => this.card(motif, i));
    const job = element("a", { href: "#jobs?kind=motifs" }, "Read them with a job");
    const none = this.motifs.length ? ["No motif of this name."] : ["This run has no motifs yet. ", job, "."];
    this.list.replaceChildren(...(cards.length ? cards : [element("p", { class: "none" }, ...none)]));
  }

  private card(motif: PaletteMotif, i: number): HTMLElement {
    const radio = element("input", { type: "radio", name: "palette-motif" });
    radio.checked = i === this.chosen;
    radio.addEventListener("change", () => {
      this.chosen = i;
    });
    const letters = this.isForward ? motif.letters : reverseComplement(motif.letters);
    const spelled = element("span", { class: "spelled" }, ...Array.from(letters, (b) => element("span", { class: `base-${b}` }, b)));
    const q = motif.target && motif.q !== null ? `q ${short(motif.q)}` : "no known match";
    const card = element("label", { class: "motif" }, radio, element("b", {}, motif.target || motif.name), spelled, element("small", {}, `${motif.target ? `${motif.name}, ` : ""}${q}`));
    card.addEventListener("pointerdown", (e) => this.grab(e, motif, letters));
    return card;
  }

  /** Begins to drag once the pointer has moved; a tap chooses the motif instead. */
  private grab(event: PointerEvent, motif: PaletteMotif, letters: string): void {
    if (event.button !== 0) return;
    let isDragged = false;
    const move = (e: PointerEvent) => {
      if (!isDragged && Math.hypot(e.clientX - event.clientX, e.clientY - event.clientY) < 6) return;
      if (!isDragged) {
        isDragged = true;
        this.ghost.textContent = letters;
      }
      this.ghost.hidden = false;
      this.ghost.style.transform = `translate(${e.clientX + 10}px, ${e.clientY + 12}px)`;
      this.ghost.classList.toggle("fits", this.acts.over(e.clientX, e.clientY, letters.length));
    };
    const end = (e: PointerEvent) => {
      removeEventListener("pointermove", move);
      for (const kind of ["pointerup", "pointercancel"] as const) removeEventListener(kind, end);
      this.ghost.hidden = true;
      this.acts.over(-1, -1, 0);
      if (isDragged && e.type === "pointerup") this.acts.drop(motif, this.isForward, e.clientX, e.clientY);
    };
    addEventListener("pointermove", move);
    for (const kind of ["pointerup", "pointercancel"] as const) addEventListener(kind, end);
  }
}

function labelOf(motif: PaletteMotif): string {
  return `${motif.target} ${motif.name} ${motif.source} ${motif.consensus}`;
}
