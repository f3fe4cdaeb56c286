// How far the run is, asked again and again: often while somebody looks at it, seldom otherwise, not
// at all while the page is hidden, and ever more seldom while the server does not answer.

import type { Api, Progress } from "./api";

const OFTEN = 2_000; // ms
const SELDOM = 15_000;
const RAREST = 60_000;

export class Watch {
  private readonly listeners: ((found: Progress) => void)[] = [];
  private readonly failing: ((error: unknown) => void)[] = [];
  private isClose = false;
  private wait = SELDOM;
  private timer = 0;
  private isAsking = false;

  constructor(private readonly api: Api) {
    document.addEventListener("visibilitychange", () => this.now());
  }

  on(found: (progress: Progress) => void, failed?: (error: unknown) => void): void {
    this.listeners.push(found);
    if (failed) this.failing.push(failed);
  }

  /** Whether somebody looks at it: then it is asked for often. */
  close(isClose: boolean): void {
    if (this.isClose === isClose) return;
    this.isClose = isClose;
    this.wait = this.usual;
    if (isClose) this.now();
  }

  /** Asks at once, as after a job has ended. */
  now(): void {
    clearTimeout(this.timer);
    if (!document.hidden) void this.ask();
  }

  private get usual(): number {
    return this.isClose ? OFTEN : SELDOM;
  }

  private async ask(): Promise<void> {
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      const found = await this.api.get<Progress>("progress");
      this.wait = this.usual;
      for (const act of this.listeners) act(found);
    } catch (error) {
      this.wait = Math.min(RAREST, 2 * this.wait);
      for (const act of this.failing) act(error);
    }
    this.isAsking = false;
    clearTimeout(this.timer);
    if (!document.hidden) this.timer = setTimeout(() => void this.ask(), this.wait);
  }
}
