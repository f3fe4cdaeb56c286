// On a view of a step that was not run: whether a job is at work that fills it.

import { element } from "../dom";
import type { Api, Job } from "./api";
import { jobsOf, openOf, saidOf, tell, whileSeen } from "./seen";

const VIEWS = ["motifs", "grammar", "trust"]; // neurons say more: see demixing
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
  whileSeen(view, absent, async () => {
    try {
      const { jobs } = await api.get<{ jobs: Job[] }>("jobs");
      const words = sentence(jobsOf(view, jobs));
      tell(text, words);
      said.hidden = !words;
      absent.hidden = !said.hidden;
    } catch {
      // what is shown stays while the server is gone
    }
    return PAUSE;
  });
}

function sentence(jobs: Job[]): string {
  const open = openOf(jobs);
  if (open) return saidOf(open);
  return jobs.some((job) => job.state === "done") ? "A job has done this. Load the page again to see it." : "";
}
