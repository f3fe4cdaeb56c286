// What the page can do when a server stands behind it: ask the model, start jobs, watch training.

import { Api, type Config } from "./api";
import { AskView } from "./ask";
import { watchDemixing } from "./demixing";
import { watchEmptyViews } from "./filling";
import { JobsView } from "./jobs";
import { ProgressView } from "./progress";
import { watchForChanges } from "./stale";
import { takeFromSequences } from "./take";
import { Watch } from "./watch";

/** What the server wrote into the page; nothing in a page that was mailed. */
export function readConfig(): Config | null {
  const block = document.getElementById("live");
  return block ? (JSON.parse(block.textContent ?? "null") as Config | null) : null;
}

export function startLive(config: Config): void {
  if (config.second !== undefined) return; // two runs side by side: neither is the one to ask
  const api = new Api(config.run);
  const watch = new Watch(api);
  new AskView(api);
  new JobsView(api, () => watch.now());
  new ProgressView(watch);
  watchForChanges(watch, config.version);
  watch.now();
  takeFromSequences();
  watchDemixing(api, config.version, () => watch.now());
  watchEmptyViews(api);
}
