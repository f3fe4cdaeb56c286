// The view "jobs": longer work on the run, started, watched, cancelled, resumed.

import { button, element, resting } from "../dom";
import { onShow, record, registerView } from "../route";
import { type Api, type Job, paragraph } from "./api";
import { drawnScores, type Given } from "./given";
import { JobForm } from "./jobform";
import { isStale } from "./stale";
import { Status } from "./status";

const NAME = "jobs";
const BUSY = 1_000; // ms between two looks while a job is at work
const IDLE = 10_000;

export class JobsView {
  private readonly body = element("section", { class: "live", "aria-labelledby": "jobs-title" });
  private readonly status = new Status();
  private readonly list = element("ul", { class: "jobs", "aria-label": "Jobs" });
  private readonly form: JobForm;
  private readonly shown = new Map<string, { item: HTMLElement; text: string }>();
  private readonly asked = new Set<string>(); // that are being cancelled or resumed
  private open = new Map<string, Job["state"]>(); // that wait or were at work when last looked at
  private timer = 0;
  private isLost = false; // the server did not answer when last asked
  private wanted = ""; // the job whose scores an address asks for

  constructor(
    private readonly api: Api,
    private readonly ended: () => void, // a job has ended: the run may hold something new
  ) {
    this.form = new JobForm(api, (body) => this.act(() => this.api.post<Job>("jobs", body)));
    const about = element("p", { class: "about" }, "Each job is a cisgram command that works on this run, one at a time. Its results lie in the run like those of any other step. Closing the server interrupts it; resuming goes on where it was.");
    this.body.append(element("h2", { id: "jobs-title" }, "Jobs"), about, this.form.element, this.status.element, this.list);
    registerView(NAME, "Jobs", this.body);
    onShow(NAME, (params) => {
      this.form.choose(params);
      this.wanted = params.get("show") ?? "";
      void this.form.start().catch((error: unknown) => this.status.fail(error));
      void this.look();
    });
    document.addEventListener("visibilitychange", () => void this.look());
  }

  /** Looks at the jobs, and goes on looking while somebody sees them or one is at work. */
  private async look(): Promise<void> {
    clearTimeout(this.timer);
    if (document.hidden) return;
    let wait = IDLE;
    try {
      const { jobs } = await this.api.get<{ jobs: Job[] }>("jobs");
      this.serverIsBack();
      this.show(jobs);
      if (this.open.size) wait = BUSY;
    } catch (error) {
      this.status.fail(error);
      this.serverIsGone();
    }
    clearTimeout(this.timer);
    if (this.open.size || this.body.classList.contains("current")) this.timer = setTimeout(() => void this.look(), wait);
  }

  /** Nobody knows what became of the jobs: none of them moves on the page. */
  private serverIsGone(): void {
    if (this.isLost) return;
    this.isLost = true;
    for (const state of this.list.querySelectorAll(".state.running, .state.waiting")) state.append(" when last seen");
    for (const bar of this.list.querySelectorAll("progress")) bar.remove();
  }

  /** The server answers again: every row is made anew. */
  private serverIsBack(): void {
    if (!this.isLost) return;
    this.isLost = false;
    this.shown.clear();
    this.status.say("");
  }

  private async act(ask: () => Promise<Job>): Promise<void> {
    this.status.say("");
    try {
      const job = await ask();
      this.status.say(`${job.title}: ${job.state}.`);
    } catch (error) {
      this.status.say(paragraph(error), true);
    }
    await this.look();
  }

  private show(jobs: Job[]): void {
    const open = new Map(jobs.filter((j) => j.state === "waiting" || j.state === "running").map((j) => [j.id, j.state]));
    for (const job of jobs) {
      const before = this.open.get(job.id);
      if (before === undefined || before === job.state) continue;
      this.status.say(`${job.title}: ${job.state}.`);
      if (!open.has(job.id)) this.ended();
    }
    this.open = open;
    const items = jobs.map((job) => {
      const text = JSON.stringify(job);
      const known = this.shown.get(job.id);
      if (known && (known.text === text || this.asked.has(job.id))) return known.item; // a button keeps the focus, or rests
      const item = this.item(job);
      this.shown.set(job.id, { item, text });
      return item;
    });
    const same = items.length === this.list.children.length && items.every((item, i) => item === this.list.children[i]);
    if (!same) this.replace(items);
    if (!items.length) this.list.replaceChildren(element("li", { class: "none" }, "No job yet."));
    const press = this.list.querySelector<HTMLElement>(`li[data-id="${CSS.escape(this.wanted)}"] button[aria-expanded=false]`);
    this.wanted = "";
    press?.click();
  }

  /** The list anew; the focus goes to the same button of the same job. */
  private replace(items: HTMLElement[]): void {
    const before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    const id = before?.closest("li")?.dataset.id;
    this.list.replaceChildren(...items);
    if (id && !before?.isConnected) this.buttonOf(id)?.focus();
  }

  private buttonOf(id: string): HTMLElement | null {
    return this.list.querySelector<HTMLElement>(`li[data-id="${CSS.escape(id)}"] button`);
  }

  private item(job: Job): HTMLElement {
    const isOpen = job.state === "waiting" || job.state === "running";
    const parts: (Node | string)[] = [element("b", {}, job.title), element("span", { class: `state ${job.state}` }, job.state)];
    if (job.state === "running") {
      const bar = element("progress", { "aria-label": `Progress of ${job.title}` });
      if (job.total) [bar.max, bar.value] = [job.total, job.done];
      parts.push(bar, element("span", { class: "about" }, job.total ? `${job.done} of ${job.total}` : ""));
    }
    if (isOpen) parts.push(this.press("Cancel", job));
    else if (job.state !== "done") parts.push(this.press("Resume", job));
    else parts.push(this.result(job));
    const line = element("div", { class: "bar" }, ...parts);
    const said = job.error || (isOpen ? job.said : "");
    const time = job.ended || job.began || job.made;
    const when = element("time", { datetime: time, class: "about" }, new Date(time).toLocaleString());
    return element("li", { "data-id": job.id }, line, ...(said ? [element("p", { class: job.error ? "caution" : "about" }, said)] : []), when);
  }

  private press(title: "Cancel" | "Resume", job: Job): HTMLElement {
    const ask = () => {
      this.asked.add(job.id);
      return this.api.post<Job>(`jobs/${job.id}/${title.toLowerCase()}`, {}).finally(() => this.asked.delete(job.id));
    };
    const press = button(title, `${title} ${job.title}`, () => resting(press, () => this.act(ask), () => this.buttonOf(job.id)));
    return press;
  }

  private result(job: Job): HTMLElement {
    if (job.result.startsWith("#")) {
      const link = element("a", { href: job.result }, "See the result");
      link.addEventListener("click", (e) => {
        if (!isStale()) return; // drawn with the result
        e.preventDefault();
        history.pushState(null, "", job.result);
        location.reload();
      });
      return link;
    }
    const files = ["values.safetensors", "names.tsv", "options.toml"].map((name) => element("a", { href: this.api.file(`${job.result}/${name}`), download: name }, name));
    return element("span", { class: "about" }, this.drawing(job), " Files: ", ...files.flatMap((link, i) => (i ? [", ", link] : [link])));
  }

  /** Shows the scores of pasted sequences below their job, and hides them again. */
  private drawing(job: Job): HTMLElement {
    let drawn: HTMLElement | null = null;
    const toggle = async () => {
      try {
        if (!drawn) {
          drawn = drawnScores(job.id, await this.api.get<Given>(`jobs/${job.id}/scores`));
          drawn.hidden = true;
          press.closest("li")?.append(drawn);
        }
        drawn.hidden = !drawn.hidden;
        press.setAttribute("aria-expanded", String(!drawn.hidden));
        record(NAME, new URLSearchParams(drawn.hidden ? {} : { show: job.id }));
      } catch (error) {
        this.status.fail(error);
      }
    };
    const press = button("Show the scores", `Show the scores of ${job.title}`, () => resting(press, toggle));
    press.setAttribute("aria-expanded", "false");
    return press;
  }
}
