// Questions of which only the newest counts: a newer one waits a moment, then takes the place of
// the one before, whose answer is no longer wanted.

import { isAbort } from "./api";

export class Newest<T> {
  private ticket = 0;
  private abort: AbortController | null = null;

  constructor(
    private readonly wait: number, // ms
    private readonly fail: (error: unknown) => void,
  ) {}

  /** The answer; nothing when a newer question came, or when it failed and that was said. */
  async ask(question: (signal: AbortSignal) => Promise<T>, wait = this.wait): Promise<T | null> {
    const ticket = ++this.ticket;
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    if (wait) await new Promise((done) => setTimeout(done, wait));
    if (ticket !== this.ticket) return null;
    try {
      const found = await question(abort.signal);
      return ticket === this.ticket ? found : null;
    } catch (error) {
      if (ticket === this.ticket && !isAbort(error)) this.fail(error);
      return null;
    }
  }
}
