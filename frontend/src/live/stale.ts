// Says that the run has changed since the page was drawn. The reader reloads, nobody else: what is
// half read or half typed stays.

import { button, element } from "../dom";
import type { Watch } from "./watch";

export function watchForChanges(watch: Watch): void {
  let drawn = "";
  const bar = element("div", { class: "stale", role: "status", hidden: true });
  bar.append("The run has changed since this page was drawn. ", button("Reload", "Reload the page", () => location.reload()));
  document.querySelector("main")?.before(bar);
  watch.on(({ version }) => {
    drawn ||= version;
    bar.hidden = version === drawn;
  });
}
