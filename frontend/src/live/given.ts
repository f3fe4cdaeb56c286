// The scores of sequences that were pasted for a job, drawn a sequence at a time.

import { element } from "../dom";
import { labels, type Payload, Store } from "../payload";
import { Viewer } from "../viewer";

export interface Given {
  payload: Payload;
  total: number;
  told: string; // what of the file was left out, cut or padded
}

/** Draws what a job found; `id` tells its elements from those of other jobs. */
export function drawnScores(id: string, { payload, total, told }: Given): HTMLElement {
  const n = payload.rows.length;
  const panel = element("div", { class: "viewer" });
  const viewer = new Viewer(panel, new Store(payload), payload, { prefix: `job-${id}-` });
  const rows = element("select", { id: `job-${id}-row` }, ...labels(payload).map((name, row) => new Option(name, String(row))));
  rows.addEventListener("change", () => void viewer.open(Number(rows.value)));
  const left = n < total ? `The first ${n.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}; the files have all.` : "";
  const bar = element("div", { class: "bar", hidden: total < 2 }, element("label", { for: rows.id }, "Sequence"), rows, element("span", { class: "about" }, left));
  void viewer.open(0);
  return element("div", { class: "given" }, element("p", { class: "about", hidden: !told }, told), bar, panel);
}
