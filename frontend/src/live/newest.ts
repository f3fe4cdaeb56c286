// Questions of which only the newest counts. The first is asked at once; one that comes soon after
// another waits a moment for the next, and takes the place of the one before.

import { isAbort } from "./api";

const SOON = 200; // ms

export class Newest<T> {
  private ticket = 0;
  private last = -Infinity; // when something was asked
  private abort: AbortController | null = null;

  constructor(private readonly wait: number) {} // ms

  /** The answer; nothing when a newer question came, or when it failed and `fail` was told. */
  async ask(question: (signal: AbortSignal) => Promise<T>, fail: (error: unknown) => void): Promise<T | null> {
    const ticket = ++this.ticket;
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    const isSoon = performance.now() - this.last < SOON;
    this.last = performance.now();
    if (isSoon) await new Promise((done) => setTimeout(done, this.wait));
    if (ticket !== this.ticket) return null;
    try {
      const found = await question(abort.signal);
      return ticket === this.ticket ? found : null;
    } catch (error) {
      if (ticket === this.ticket && !isAbort(error)) fail(error);
      return null;
    }
  }
}
