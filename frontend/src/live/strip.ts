// The changes above the tracks, on their axis: motifs that can be dragged or moved by arrow keys,
// and bases that were replaced.

import { element } from "../dom";
import { LEFT, RIGHT } from "../track";
import { type Edit, lettersOf } from "./edits";

export interface Axis {
  from: number;
  to: number;
}

export interface StripActs {
  move(index: number, at: number, isSameGesture: boolean): void;
  remove(index: number): void;
  turn(index: number): void;
  /** The change that had the focus is gone, and none is left that could take it. */
  leave(): void;
}

export class Strip {
  readonly element = element("div", { class: "strip", role: "group", "aria-label": "Your changes on the sequence" });
  private axis: Axis | null = null;
  private edits: readonly Edit[] = [];
  private offset = 0;
  private dragged: { index: number; x: number; at: number; moved: boolean } | null = null;

  constructor(private readonly acts: StripActs) {}

  /** Draws the changes on an axis; `offset` is the position that the axis calls 0. */
  show(edits: readonly Edit[], axis: Axis | null, offset: number): void {
    const focused = this.focused();
    const isFewer = edits.length < this.edits.length;
    this.edits = edits;
    this.axis = axis;
    this.offset = offset;
    const marks = axis ? edits.map((edit, index) => this.mark(edit, index, axis, offset)) : [];
    this.element.hidden = edits.length === 0;
    if (!this.dragged) this.element.replaceChildren(...marks);
    else this.place(axis, offset);
    if (focused >= 0 && !this.focus(focused) && !(isFewer && this.focusNext(focused))) this.acts.leave();
  }

  /** Whether the change could take the focus: a motif inside of the window. */
  focus(index: number): boolean {
    const mark = this.element.children[index];
    if (!(mark instanceof HTMLButtonElement) || mark.hidden) return false;
    mark.focus({ preventScroll: true });
    return true;
  }

  /** The next motif from a place in the list, or the last one before it. */
  private focusNext(index: number): boolean {
    const places = this.edits.map((_, i) => i);
    return [...places.slice(index), ...places.slice(0, index).reverse()].some((i) => this.focus(i));
  }

  private focused(): number {
    return Array.prototype.indexOf.call(this.element.children, document.activeElement);
  }

  private place(axis: Axis | null, offset: number): void {
    if (!axis) return;
    this.edits.forEach((edit, i) => {
      const mark = this.element.children[i];
      if (mark instanceof HTMLElement) position(mark, edit, axis, offset);
    });
  }

  private mark(edit: Edit, index: number, axis: Axis, offset: number): HTMLElement {
    if (edit.kind === "base") {
      const tick = element("span", { class: `tick base-${edit.base}`, title: `${edit.base} at ${edit.at - offset}` }, edit.base);
      position(tick, edit, axis, offset);
      return tick;
    }
    const text = edit.isForward ? `${edit.name} \u25b8` : `\u25c2 ${edit.name}`;
    const box = element("button", { type: "button", class: "placed" }, element("span", {}, text));
    const how = "arrow keys or dragging move it, R turns it, Delete takes it out";
    box.setAttribute("aria-label", `${edit.name}, ${lettersOf(edit)}, at ${edit.at - offset}; ${how}`);
    box.title = `${edit.name} at ${edit.at - offset}: ${how}`;
    box.addEventListener("keydown", (e) => this.key(e, index));
    box.addEventListener("pointerdown", (e) => this.grab(e, index, box));
    position(box, edit, axis, offset);
    return box;
  }

  private key(event: KeyboardEvent, index: number): void {
    const edit = this.edits[index];
    if (!edit) return;
    const step = event.shiftKey ? 10 : 1;
    if (event.key === "ArrowLeft") this.acts.move(index, edit.at - step, false);
    else if (event.key === "ArrowRight") this.acts.move(index, edit.at + step, false);
    else if (event.key === "Delete" || event.key === "Backspace") this.acts.remove(index);
    else if (event.key === "r" || event.key === "R") this.acts.turn(index);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private grab(event: PointerEvent, index: number, box: HTMLElement): void {
    const edit = this.edits[index];
    if (event.button !== 0 || !edit) return;
    box.setPointerCapture(event.pointerId);
    this.dragged = { index, x: event.clientX, at: edit.at, moved: false };
    box.onpointermove = (e) => this.drag(e);
    box.onpointerup = box.onpointercancel = () => {
      this.dragged = null;
      box.onpointermove = box.onpointerup = box.onpointercancel = null;
      this.show(this.edits, this.axis, this.offset); // answers that came meanwhile moved it only
    };
  }

  private drag(event: PointerEvent): void {
    const { dragged, axis } = this;
    if (!dragged || !axis) return;
    const perBase = (this.element.clientWidth - LEFT - RIGHT) / (axis.to - axis.from);
    const edit = this.edits[dragged.index];
    const at = Math.round(dragged.at + (event.clientX - dragged.x) / perBase);
    if (!edit || edit.at === at) return;
    this.acts.move(dragged.index, at, dragged.moved);
    dragged.moved = true;
  }
}

function position(mark: HTMLElement, edit: Edit, axis: Axis, offset: number): void {
  const share = (at: number) => (at - offset - axis.from) / (axis.to - axis.from);
  const from = Math.max(0, Math.min(1, share(edit.at)));
  const to = Math.max(0, Math.min(1, share(edit.at + lettersOf(edit).length)));
  const inner = `(100% - ${LEFT + RIGHT}px)`;
  mark.style.left = `calc(${LEFT}px + ${inner} * ${from})`;
  mark.style.width = `calc(${inner} * ${to - from})`;
  mark.hidden = to <= from;
}
