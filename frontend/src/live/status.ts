// One line that says what is going on: read aloud when it changes, an error at once.

import { element } from "../dom";
import { paragraph } from "./api";

const PATIENCE = 400; // ms after which waiting is worth a word

export class Status {
  readonly element = element("div", { class: "status" });
  private readonly calm = element("p", { role: "status" });
  private readonly alarm = element("p", { role: "alert", class: "caution", hidden: true });
  private waiting = 0;

  constructor() {
    this.element.append(this.calm, this.alarm);
  }

  say(text: string, isWrong = false): void {
    clearTimeout(this.waiting);
    this.calm.classList.remove("heard");
    this.calm.textContent = isWrong ? "" : text;
    this.alarm.textContent = isWrong ? text : "";
    this.alarm.hidden = !isWrong;
  }

  /** For those who listen: others see it anyway. */
  tell(text: string): void {
    this.say(text);
    this.calm.classList.add("heard");
  }

  /** Says that something is being waited for, when it takes long enough to wonder. */
  wait(text: string): void {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      this.calm.classList.remove("heard");
      this.calm.textContent = text;
    }, PATIENCE);
  }

  fail(error: unknown): void {
    this.say(paragraph(error), true);
  }
}
