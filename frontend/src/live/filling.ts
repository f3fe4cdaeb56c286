// On a view of a step that was not run: whether a job is at work that fills it.

import { element, setWords } from "../dom";
import type { Api, Job } from "./api";
import { jobsOf, openOf, saidOf, whileSeen } from "./seen";

const VIEWS = ["sequences", "motifs", "grammar", "trust"]; // neurons say more: see demixing
const PAUSE = 2_000; // ms between two looks

export function watchEmptyViews(api: Api): void {
  for (const view of VIEWS) {
    const absent = document.querySelector<HTMLElement>(`#${CSS.escape(view)} > .absent`);
    if (absent) watchEmptyView(api, view, absent);
  }
}

function watchEmptyView(api: Api, view: string, absent: HTMLElement): void {
  const text = element("span", { role: "status" });
  const said = element("p", { class: "at-work", hidden: true }, text, " ", element("a", { href: "#jobs" }, "Jobs"));
  absent.before(said);
  whileSeen(view, absent, PAUSE, async () => {
    const { jobs } = await api.get<{ jobs: Job[] }>("jobs");
    const words = sentence(jobsOf(view, jobs));
    setWords(text, words);
    said.hidden = !words;
    absent.hidden = !said.hidden;
    return PAUSE;
  });
}

function sentence(jobs: Job[]): string {
  const open = openOf(jobs);
  if (open) return saidOf(open);
  return jobs.some((job) => job.state === "done") ? "A job has done this. Load the page again to see it." : "";
}
