// The page works without this; with it, it shows a view at a time, and sequences are drawn.

import { Explorer } from "./explorer";
import { startFigures } from "./figures";
import { startKeys } from "./keys";
import { readConfig, startLive } from "./live/index";
import { readPayload } from "./payload";
import { startPlaces } from "./places";
import { onShow, startRouting } from "./route";
import { makeSortable } from "./sort";
import { startTheme } from "./theme";
import { startTools } from "./tools";

function start(): void {
  document.documentElement.classList.add("js");
  startTheme();
  startTools();
  document.querySelectorAll<HTMLTableElement>("table[data-sort]").forEach(makeSortable);
  startFigures();
  startSequences();
  const live = readConfig();
  if (live) startLive(live);
  startPlaces();
  startRouting();
}

/** Unpacks the sequences when they are first looked at, or when there is time. */
function startSequences(): void {
  let explorer: Explorer | null = null;
  const made = () => {
    const host = document.getElementById("sequence-table");
    const panel = document.getElementById("viewer");
    const payload = host && panel && !explorer ? readPayload() : null;
    if (host && panel && payload?.rows.length) explorer = new Explorer(host, panel, payload);
  };
  onShow("sequences", made);
  const idle = () => {
    made();
    explorer?.prepare();
  };
  if ("requestIdleCallback" in window) requestIdleCallback(idle);
  else setTimeout(idle, 500);
  startKeys(() => explorer?.focusSearch());
}

start();
