// Says that the run has changed since the page was drawn. The reader reloads, nobody else: what is
// half read or half typed stays.

import { button, element } from "../dom";
import type { Watch } from "./watch";

/** Whether the page shows the run as it was. */
export function isStale(): boolean {
  return document.querySelector(".stale:not([hidden])") !== null;
}

export function watchForChanges(watch: Watch, drawn: string): void {
  const bar = element("div", { class: "stale", role: "status", hidden: true });
  bar.append("The run has changed since this page was drawn. ", button("Reload", "Reload the page", () => location.reload()));
  document.querySelector("main")?.before(bar);
  watch.on(({ version }) => {
    bar.hidden = version === drawn;
  });
}
