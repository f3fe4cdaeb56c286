// The view "progress": a training watched while it writes: its curve, its scores, its last motifs.

import { element, short } from "../dom";
import { onShow, registerView } from "../route";
import { chart, type Line } from "./curve";
import type { Progress } from "./api";
import { nameOf, nameOfSet } from "./fields";
import { Status } from "./status";
import type { Watch } from "./watch";

const NAME = "progress";
const STATES: Record<string, string> = {
  training: "Training",
  working: "Trained; a step is at work",
  finished: "Finished",
  stopped: "Stopped",
  unknown: "Not finished",
};

export class ProgressView {
  private readonly body = element("section", { class: "live", "aria-labelledby": "progress-title" });
  private readonly status = new Status();
  private readonly state = element("p", { class: "state" });
  private readonly bar = element("progress", { "aria-label": "Epochs", hidden: true });
  private readonly charts = element("div", { class: "figures" });
  private readonly more = element("div");
  private drawn = "";

  constructor(watch: Watch) {
    this.body.append(element("h2", { id: "progress-title" }, "Training"), this.state, this.bar, this.status.element, this.charts, this.more);
    registerView(NAME, "Training", this.body);
    const look = () => watch.close(this.body.classList.contains("current"));
    onShow(NAME, look);
    addEventListener("hashchange", () => setTimeout(look));
    watch.on(
      (found) => this.show(found),
      (error) => this.status.fail(error),
    );
  }

  private show(found: Progress): void {
    this.status.say("");
    const text = JSON.stringify(found);
    if (text === this.drawn) return; // nothing new: what is read stays as it is
    this.drawn = text;
    const rows = found.history.at(-1)?.rows.length ?? 0; // of the member that is trained now
    const done = Math.max(0, found.history.length - 1); // members are trained one after the other
    const members = Math.max(found.members ?? 1, found.history.length);
    const of = found.epochs ? ` of at most ${found.epochs}` : "";
    const member = members > 1 ? ` of member ${done + 1} of ${members}` : "";
    const epochs = rows ? ` Epoch ${rows}${of}${member}.` : " No epoch has ended yet.";
    this.state.replaceChildren(element("b", {}, STATES[found.state] ?? found.state.replace(/^./, (c) => c.toUpperCase())), ` \u00b7 ${found.said}${epochs}`);
    this.bar.hidden = found.state !== "training" || !found.epochs;
    if (found.epochs) {
      this.bar.max = members * found.epochs;
      this.bar.value = done * found.epochs + rows;
    }
    this.charts.replaceChildren(...found.history.flatMap((h, i) => this.member(h, found.history.length > 1 ? ` of member ${i + 1}` : "")));
    this.more.replaceChildren(...scores(found), ...motifs(found), ...found.broken.map((said) => element("p", { class: "caution" }, said)));
  }

  /** The losses in one chart, each other number that is watched in another. */
  private member({ columns, rows }: Progress["history"][number], of: string): HTMLElement[] {
    const epoch = columns.indexOf("epoch");
    const line = (name: string): Line => {
      const at = columns.indexOf(name);
      const points = rows.map((row, i): [number, number] => [epoch < 0 ? i + 1 : Number(row[epoch]), typeof row[at] === "number" ? row[at] : Number.NaN]);
      return { name: nameOf(name), points: points.filter(([, v]) => Number.isFinite(v)) };
    };
    const losses = columns.filter((name) => name.endsWith("loss"));
    const others = columns.filter((name) => name.startsWith("valid_") && !name.endsWith("loss"));
    const groups: [string, string[]][] = [[`Loss${of}`, losses], ...others.map((name): [string, string[]] => [`${nameOf(name)}${of}`, [name]])];
    return groups
      .filter(([, names]) => names.length > 0)
      .map(([heading, names]) => element("figure", {}, element("h3", {}, heading), chart(heading, names.map(line))));
  }
}

function scores(found: Progress): HTMLElement[] {
  const sets = Object.entries(found.scores);
  const names = [...new Set(sets.flatMap(([, s]) => Object.keys(s)))].filter((name) => !name.endsWith("_interval"));
  if (!sets.length || !names.length) return [];
  const head = element("tr", {}, element("th", { scope: "col" }, "Score"), ...sets.map(([set]) => element("th", { scope: "col", class: "n", title: set }, nameOfSet(set))));
  const rows = names.map((name) => {
    const cells = sets.map(([, s]) => element("td", { class: "n" }, typeof s[name] === "number" ? short(s[name]) : ""));
    return element("tr", {}, element("th", { scope: "row", title: name }, nameOf(name)), ...cells);
  });
  const table = element("table", { "data-files": "none" }, element("caption", {}, "Scores"), element("thead", {}, head), element("tbody", {}, ...rows));
  return [element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Scores" }, table)];
}

function motifs(found: Progress): HTMLElement[] {
  return found.motifs.slice(0, 3).map(({ source, matches }) => {
    const named = matches.filter((m) => m.q !== null && m.q < 0.05).map((m) => `${m.target} (${m.motif}, q ${short(m.q ?? 1)})`);
    const said = named.length ? named.join(", ") : "none has a known match yet";
    return element("p", {}, element("b", {}, `Last motifs, ${source.replaceAll("_", " ")}: `), `${said}.`);
  });
}
