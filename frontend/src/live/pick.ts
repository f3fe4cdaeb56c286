// The four letters beside a base: which one is to stand there.

import { element } from "../dom";
import { BASES } from "../letters";

export class BasePicker {
  private readonly box = element("div", { class: "pick", role: "group", hidden: true });
  private before: HTMLElement | null = null;

  constructor(
    host: HTMLElement,
    private readonly chosen: (position: number, base: string) => void,
  ) {
    host.append(this.box);
    addEventListener("pointerdown", (e) => {
      if (!this.box.hidden && !(e.target instanceof Node && this.box.contains(e.target))) this.close(false);
    });
  }

  /** Opens beside a place of the window; `left` and `top` are px in the host. */
  open(position: number, shown: number, base: string, left: number, top: number): void {
    this.before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    const buttons = [...BASES].map((letter) => {
      const made = element("button", { type: "button", class: `base-${letter}`, disabled: letter === base }, letter);
      made.setAttribute("aria-label", letter === base ? `${letter}, as it is` : `Put ${letter} at position ${shown}`);
      made.addEventListener("click", () => this.take(position, letter));
      return made;
    });
    this.box.setAttribute("aria-label", `Base at position ${shown}, now ${base}`);
    this.box.replaceChildren(element("span", {}, `${base}${shown}`), ...buttons);
    this.box.onkeydown = (e) => this.key(e, position, base);
    this.box.hidden = false;
    const room = (this.box.parentElement?.clientWidth ?? 0) - this.box.offsetWidth;
    this.box.style.left = `${Math.max(0, Math.min(room, left - this.box.offsetWidth / 2))}px`;
    this.box.style.top = `${top}px`;
    buttons.find((b) => !b.disabled)?.focus({ preventScroll: true });
  }

  private key(event: KeyboardEvent, position: number, base: string): void {
    const letter = event.key.toUpperCase();
    const buttons = [...this.box.querySelectorAll<HTMLButtonElement>("button:enabled")];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    if (event.key === "Escape") this.close(true);
    else if (event.key === "ArrowRight") buttons[(at + 1) % buttons.length]?.focus();
    else if (event.key === "ArrowLeft") buttons[(at + buttons.length - 1) % buttons.length]?.focus();
    else if (letter.length === 1 && BASES.includes(letter) && letter !== base) this.take(position, letter);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private take(position: number, letter: string): void {
    this.close(true);
    this.chosen(position, letter);
  }

  private close(isBack: boolean): void {
    this.box.hidden = true;
    if (isBack) this.before?.focus({ preventScroll: true });
  }
}
