// The page works without this; with it, tables sort and sequences are drawn.

import { readConfig, startLive } from "./live/index";
import { readPayload, Store } from "./payload";
import { makeSortable } from "./sort";
import { startRouting } from "./route";
import { SequenceTable } from "./table";
import { Viewer } from "./viewer";

function start(): void {
  document.documentElement.classList.add("js");
  document.querySelectorAll<HTMLTableElement>("table[data-sort]").forEach(makeSortable);
  const live = readConfig();
  if (live) startLive(live);
  startRouting();
  const payload = readPayload();
  const host = document.getElementById("sequence-table");
  const panel = document.getElementById("viewer");
  if (!payload || !host || !panel || payload.rows.length === 0) return;
  const viewer = new Viewer(panel, new Store(payload), payload);
  const table = new SequenceTable(host, payload, (row) => void viewer.open(row));
  table.select(table.first() ?? 0);
  void viewer.open(table.first() ?? 0);
}

start();
