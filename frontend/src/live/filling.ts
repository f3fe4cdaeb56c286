// On a view of a step that was not run: whether a job is at work that fills it.

import { element } from "../dom";
import { onShow } from "../route";
import type { Api, Job } from "./api";

const VIEWS = ["motifs", "grammar", "trust"];
const PAUSE = 2_000; // ms between two looks while the view is seen

export function watchEmptyViews(api: Api): void {
  for (const view of VIEWS) {
    const absent = document.querySelector<HTMLElement>(`#${CSS.escape(view)} > .absent`);
    if (absent) new Filling(view, absent, api);
  }
}

class Filling {
  private readonly text = element("span", { role: "status" });
  private readonly said = element("p", { class: "at-work", hidden: true }, this.text, " ", element("a", { href: "#jobs" }, "Jobs"));
  private timer = 0;

  constructor(
    private readonly view: string,
    private readonly absent: HTMLElement,
    private readonly api: Api,
  ) {
    absent.before(this.said);
    onShow(view, () => void this.watch());
    document.addEventListener("visibilitychange", () => void this.watch());
  }

  private async watch(): Promise<void> {
    clearTimeout(this.timer);
    if (!this.absent.closest(".view")?.classList.contains("current") || document.hidden) return;
    try {
      this.show((await this.api.get<{ jobs: Job[] }>("jobs")).jobs);
    } catch {
      // what is shown stays while the server is gone
    }
    this.timer = setTimeout(() => void this.watch(), PAUSE);
  }

  private show(jobs: Job[]): void {
    const own = jobs.filter((job) => job.result === `#${this.view}`);
    const of = (state: Job["state"]) => own.find((job) => job.state === state);
    const [running, waiting, done] = [of("running"), of("waiting"), of("done")];
    if (running) this.text.textContent = `A job is at work: ${running.title}.`;
    else if (waiting) this.text.textContent = `A job waits for its turn: ${waiting.title}.`;
    else if (done) this.text.textContent = "A job has done this. Load the page again to see it.";
    const isSaid = Boolean(running ?? waiting ?? done);
    this.said.hidden = !isSaid;
    this.absent.hidden = isSaid;
  }
}
