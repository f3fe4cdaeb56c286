// Mouse, touch, wheel and keys on the lanes and on the overview below them.

import { LEFT, RIGHT } from "./track";
import type { View } from "./view";

export interface Moved {
  view(): View | null;
  cursor(): number | null;
  point(position: number | null): void;
  draw(): void;
  pick?(position: number): void;
}

export function listen(stack: HTMLElement, overview: HTMLElement, moved: Moved): void {
  byPointer(stack, moved);
  byWheel(stack, moved);
  stack.addEventListener("keydown", (e) => byKey(e, moved));
  const jump = (event: PointerEvent) => {
    const view = moved.view();
    if (!view) return;
    const box = overview.getBoundingClientRect();
    const at = ((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT)) * view.length;
    view.show(at - view.span / 2, view.span);
    moved.draw();
  };
  overview.addEventListener("pointerdown", jump);
  overview.addEventListener("pointermove", (e) => {
    if (e.buttons & 1) jump(e);
  });
}

export function positionOn(stack: HTMLElement, view: View, x: number): number {
  const box = stack.getBoundingClientRect();
  return view.start + ((x - box.left - LEFT) / (box.width - LEFT - RIGHT)) * view.span;
}

interface Finger {
  x: number;
  base: number; // what lies under it, and is to stay there
}

/** One finger (or the mouse) drags, two pinch: what lies under each stays under it. */
function byPointer(stack: HTMLElement, moved: Moved): void {
  const fingers = new Map<number, Finger>();
  let tapped: PointerEvent | null = null; // until it is moved
  const hold = () => {
    const view = moved.view();
    if (view) for (const finger of fingers.values()) finger.base = positionOn(stack, view, finger.x);
  };
  stack.addEventListener("pointerdown", (e) => {
    if (!moved.view() || e.button !== 0) return;
    fingers.set(e.pointerId, { x: e.clientX, base: 0 });
    tapped = fingers.size === 1 ? e : null;
    hold();
    stack.setPointerCapture(e.pointerId);
  });
  stack.addEventListener("pointermove", (e) => {
    const view = moved.view();
    if (!view) return;
    const finger = fingers.get(e.pointerId);
    if (finger) {
      finger.x = e.clientX;
      if (tapped && Math.hypot(e.clientX - tapped.clientX, e.clientY - tapped.clientY) > TAP) tapped = null;
      follow(stack, view, [...fingers.values()]);
    }
    moved.point(Math.floor(positionOn(stack, view, e.clientX)));
    moved.draw();
  });
  for (const kind of ["pointerup", "pointercancel"] as const) {
    stack.addEventListener(kind, (e) => {
      fingers.delete(e.pointerId);
      hold();
      const view = moved.view();
      if (kind === "pointerup" && view && tapped?.pointerId === e.pointerId) moved.pick?.(Math.floor(positionOn(stack, view, e.clientX)));
      tapped = null;
    });
  }
  stack.addEventListener("pointerleave", () => {
    moved.point(null);
    moved.draw();
  });
  stack.addEventListener("dblclick", (e) => {
    const view = moved.view();
    if (view && !moved.pick) view.zoom(1 / 2.5, positionOn(stack, view, e.clientX)); // else two clicks are two picks
    moved.draw();
  });
}

const TAP = 4; // px that a pointer may slip
const APART = 12; // px; fingers that are closer together only drag

function follow(stack: HTMLElement, view: View, [one, two]: Finger[]): void {
  if (!one) return;
  const box = stack.getBoundingClientRect();
  const inner = box.width - LEFT - RIGHT;
  let perBase = inner / view.span;
  if (two && Math.abs(two.x - one.x) > APART && two.base !== one.base) {
    perBase = Math.max(1e-6, (two.x - one.x) / (two.base - one.base));
  }
  view.show(one.base - (one.x - box.left - LEFT) / perBase, inner / perBase);
}

function byWheel(stack: HTMLElement, moved: Moved): void {
  const turn = (e: WheelEvent) => {
    // The plain wheel scrolls the page; with Ctrl (or a pinch) it zooms, sideways it pans.
    const view = moved.view();
    if (!view) return;
    const at = positionOn(stack, view, e.clientX);
    if (e.ctrlKey || e.metaKey) view.zoom(Math.exp(Math.max(-60, Math.min(60, e.deltaY)) * 0.008), at);
    else if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) view.pan((e.deltaX * view.span) / stack.clientWidth);
    else return;
    e.preventDefault();
    moved.draw();
  };
  stack.addEventListener("wheel", turn, { passive: false });
}

function byKey(event: KeyboardEvent, moved: Moved): void {
  const view = moved.view();
  if (!view || event.ctrlKey || event.metaKey || event.altKey) return;
  const at = moved.cursor() ?? Math.floor(view.start + view.span / 2);
  const move = (to: number) => {
    const place = Math.max(0, Math.min(view.length - 1, to));
    if (place < view.start || place >= view.end) view.show(place - view.span / 2, view.span);
    moved.point(place);
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
  if (moved.pick) keys["Enter"] = () => moved.pick?.(at);
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
  moved.draw();
}
