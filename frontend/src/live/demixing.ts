// On the view of neurons: whether a job on them is at work now, and how far it is. The page was
// drawn from the files, which cannot tell a job that goes on from one that was stopped.

import { element, setWords } from "../dom";
import type { Api, Job, Progress } from "./api";
import { jobsOf, openOf, saidOf, whileSeen } from "./seen";

const VIEW = "neurons";
const BUSY = 1_000; // ms between two looks while a job is at work
const IDLE = 5_000;
const NEWER = "Neurons were demixed after this page was drawn. Load it again to see them.";

/** `drawn` is the version of the files that the page was drawn from; `ended` is called after a job. */
export function watchDemixing(api: Api, drawn: string, ended: () => void): void {
  const section = document.getElementById(VIEW);
  if (section) new Demixing(section, api, drawn, ended);
}

class Demixing {
  private readonly said = element("p", { class: "at-work", hidden: true });
  private readonly text = element("span", { role: "status" });
  private readonly bar = element("progress", { "aria-label": "Neurons demixed", hidden: true });
  private readonly jobs = element("a", { href: "#jobs" }, "Jobs");
  private readonly unfinished: Unfinished[]; // what the page says of layers without figures
  private wasAtWork = false;

  constructor(
    private readonly section: HTMLElement,
    private readonly api: Api,
    private readonly drawn: string,
    private readonly ended: () => void,
  ) {
    this.said.append(this.text, " ", this.bar, " ", this.jobs);
    section.querySelector("h2")?.after(this.said);
    this.unfinished = [...section.querySelectorAll<HTMLElement>("[data-unfinished]")].map((place) => new Unfinished(place));
    whileSeen(VIEW, section, IDLE, async () => ((await this.look()) ? BUSY : IDLE));
  }

  /** Says what is at work, if anything is. */
  private async look(): Promise<boolean> {
    const [{ jobs }, { demixing, version }] = await Promise.all([this.api.get<{ jobs: Job[] }>("jobs"), this.api.get<Progress>("progress")]);
    const job = openOf(jobsOf(VIEW, jobs));
    const isAtWork = job !== null || demixing.is_held === true;
    const isNew = Object.keys(demixing.done).length > 0 && this.section.querySelector(".absent") !== null;
    this.show(isAtWork ? sentence(job, demixing) : isNew ? NEWER : "", job);
    this.jobs.hidden = !isAtWork;
    this.section.querySelectorAll<HTMLElement>(".absent").forEach((one) => (one.hidden = isAtWork || isNew));
    for (const one of this.unfinished) one.show(isAtWork, demixing.is_held === false && version === this.drawn);
    if (this.wasAtWork && !isAtWork) this.ended();
    this.wasAtWork = isAtWork;
    return isAtWork;
  }

  private show(text: string, job: Job | null): void {
    setWords(this.text, text);
    this.said.hidden = text === "";
    this.bar.hidden = !job?.total;
    if (job?.total) [this.bar.max, this.bar.value] = [job.total, job.done];
  }
}

function sentence(job: Job | null, { done }: Progress["demixing"]): string {
  if (job?.state === "waiting") return saidOf(job);
  const there = Object.entries(done).map(([layer, n]) => `${n} of ${layer}`).join(", ");
  if (job?.total) return `${saidOf(job)} ${job.done} of ${job.total} ${job.total === 1 ? "neuron is" : "neurons are"} done.`;
  if (job) return `${saidOf(job)} ${there ? `Demixed so far: ${there}.` : "No neuron is done yet."}`;
  return `A process is demixing neurons of this run${there ? `; demixed so far: ${there}` : ""}.`;
}

/** Of a layer without figures: nothing while a job is at work; else what is known of the last one. */
class Unfinished {
  private readonly asDrawn: ChildNode[];
  private readonly stopped: (Node | string)[];
  private isStopped = false;

  constructor(private readonly place: HTMLElement) {
    const layer = place.dataset.unfinished ?? "";
    const again = element("a", { href: `#jobs?${new URLSearchParams({ kind: "demix", layer })}` }, "Go on under Jobs");
    this.asDrawn = [...place.childNodes];
    this.stopped = [`The job on ${layer} was stopped before its end: its neurons are not counted together yet. `, again, "."];
  }

  show(isAtWork: boolean, isStopped: boolean): void {
    this.place.hidden = isAtWork;
    if (isStopped === this.isStopped) return; // a link that has the focus keeps it
    this.isStopped = isStopped;
    this.place.replaceChildren(...(isStopped ? this.stopped : this.asDrawn));
  }
}
