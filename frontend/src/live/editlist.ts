// The changes as a list, each of which can be moved, turned or taken out; undo, redo, reset.

import { button, element } from "../dom";
import { type Edit, type History, said } from "./edits";

export interface ListActs {
  undo(): void;
  redo(): void;
  reset(): void;
  remove(index: number): void;
  turn(index: number): void;
  move(index: number, by: number): void;
  download(): void;
}

interface Focused {
  chip: number; // -1: below the list
  label: string | HTMLButtonElement;
}

export class EditList {
  readonly element = element("div", { class: "edits" });
  private readonly list = element("ul", { class: "chips", "aria-label": "Changes" });
  private readonly help = element("p", { class: "about" }, "Click a base, or press A, C, G or T on it, to replace it. Drag a motif onto the tracks.");
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly reset: HTMLButtonElement;

  constructor(private readonly acts: ListActs) {
    this.undo = button("Undo", "Undo (Ctrl + Z)", () => acts.undo());
    this.redo = button("Redo", "Redo (Ctrl + Y)", () => acts.redo());
    this.reset = button("Reset", "Take out all changes", () => acts.reset());
    const fasta = button("FASTA", "Download the sequence as it is now as FASTA", () => acts.download());
    this.element.append(this.help, this.list, element("div", { class: "bar" }, this.undo, this.redo, this.reset, fasta));
  }

  /** Positions are said as the tracks count them: `offset` is what these call 0. */
  show(sequence: string, edits: readonly Edit[], history: History<Edit[]>, offset: number): void {
    const focused = this.focused();
    const moved = edits.map((edit) => ({ ...edit, at: edit.at - offset }));
    const window = offset >= 0 ? sequence.slice(offset) : "N".repeat(-offset) + sequence;
    this.list.replaceChildren(...edits.map((edit, i) => this.chip(edit, i, said(window, moved, i))));
    this.list.hidden = edits.length === 0;
    this.undo.disabled = !history.canUndo;
    this.redo.disabled = !history.canRedo;
    this.reset.disabled = edits.length === 0;
    if (focused) this.refocus(focused);
  }

  /** The change and the button of it that have the focus, or the button below the list. */
  private focused(): Focused | null {
    const held = document.activeElement;
    if (!(held instanceof HTMLButtonElement) || !this.element.contains(held)) return null;
    const chip = held.closest("li");
    if (!chip) return { chip: -1, label: held };
    return { chip: [...this.list.children].indexOf(chip), label: held.textContent ?? "" };
  }

  /** The same button of the same change, or of the one that took its place; none is left: Undo. */
  private refocus({ chip, label }: Focused): void {
    if (label instanceof HTMLButtonElement) {
      if (label.disabled) [this.undo, this.redo].find((other) => !other.disabled)?.focus({ preventScroll: true });
      return;
    }
    const buttons = [...(this.list.children[Math.min(chip, this.list.children.length - 1)]?.querySelectorAll("button") ?? [])];
    (buttons.find((b) => b.textContent === label) ?? buttons.at(-1) ?? this.undo).focus({ preventScroll: true });
  }

  private chip(edit: Edit, index: number, text: string): HTMLElement {
    const acts = [];
    if (edit.kind === "motif") {
      acts.push(
        button("\u25c2", `Move ${text} left`, () => this.acts.move(index, -1)),
        button("\u25b8", `Move ${text} right`, () => this.acts.move(index, 1)),
        button("\u21c4", `Put ${text} on the other strand`, () => this.acts.turn(index)),
      );
    }
    acts.push(button("\u00d7", `Take out ${text}`, () => this.acts.remove(index)));
    return element("li", { class: edit.kind }, element("span", {}, text), ...acts);
  }
}
