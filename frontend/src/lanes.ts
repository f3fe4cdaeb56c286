// The lanes of a sequence, one below the other on one axis: what each method says, the sites of
// named motifs, and where methods contradict each other.

import { element, short } from "./dom";
import type { Agreement, Explained, Method, Sites } from "./payload";
import { BASES } from "./letters";
import type { Pen } from "./pen";
import type { Scale } from "./scales";
import { drawBars, drawLetters, drawMap, drawStrips, type Frame, LEFT, observed, type Palette, reachOf, RIGHT, sizeOf } from "./track";

export type Mode = "letters" | "map" | "both";

export interface Lane {
  key: string; // what it is switched on and off by
  title: string;
  note: string;
  height: number;
  draw(pen: Pen, frame: Frame): void;
  /** What it says of a position; nothing where it says nothing. */
  read(position: number): string;
  /** What it says of a window, for readers who do not see it; lanes with scores need none. */
  tell?(from: number, to: number): string;
  /** Columns of the table that is downloaded. */
  columns: [string, (position: number) => string][];
  scores?: Float32Array; // of a method that scores bases
  scale?: Scale; // nothing where it measures nothing
  isOff?: boolean; // until it is switched on
}

const CROWDED = 5; // methods from which on letters are drawn lower

export function methodLanes(method: Method, sequence: Explained, mode: Mode, among: number): Lane[] {
  if (method.tracks.length) return trackLanes(method, sequence);
  const scores = observed(sequence);
  const { values, length, codes } = sequence;
  const units = method.units ? ` ${method.units}` : "";
  const letters: Lane = {
    key: method.name,
    title: method.title,
    note: method.units,
    height: among > CROWDED ? 66 : 92,
    draw: (pen, frame) => drawLetters(pen, codes, scores, frame),
    read: (i) => `${method.title} ${short(scores[i] ?? 0)}${units}`,
    columns: [[method.name, (i) => (scores[i] ?? 0).toPrecision(4)]],
    scores,
    scale: { quantity: `${method.name} letters`, isBare: false, reach: (from, to) => reachOf(scores, from, to) },
  };
  const four = (i: number) => [0, 1, 2, 3].map((b) => values[b * length + i] ?? 0);
  const map: Lane = {
    key: method.name,
    title: `${method.title}, all four bases`,
    note: sequence.relative ? "change to each base" : method.units,
    height: 62,
    draw: (pen, frame) => drawMap(pen, sequence, frame),
    read: (i) => `${sequence.relative ? "change to " : ""}${four(i).map((v, b) => `${BASES[b] ?? ""} ${short(v)}`).join(", ")}`,
    columns: [0, 1, 2, 3].map((b) => [`${method.name}:${BASES[b] ?? ""}`, (i) => (four(i)[b] ?? 0).toPrecision(4)]),
    scores,
    scale: { quantity: `${method.name} bases`, isBare: true, reach: (from, to) => [0, sizeOf(sequence, from, to)] },
  };
  if (mode === "letters" || !scoresAbsent(sequence)) return [{ ...letters, columns: [...letters.columns, ...map.columns] }];
  return mode === "map" ? [{ ...map, columns: [...letters.columns, ...map.columns] }] : [letters, map];
}

/** True when bases that are not there have scores too; of other methods the letters say all. */
function scoresAbsent({ codes, values, length }: Explained): boolean {
  return values.some((v, k) => v !== 0 && codes[k % length] !== Math.floor(k / length));
}

const FEW = 6; // tracks of a method that are drawn at once; of more, the first stands for all

function trackLanes(method: Method, sequence: Explained): Lane[] {
  const every = method.tracks.map((_, r) => r);
  if (every.length <= FEW) return [trackLane(method, sequence, method.name, method.title, every)];
  const others = `${method.title}, the ${every.length - 1} others`;
  return [
    trackLane(method, sequence, method.name, method.title, [0]),
    { ...trackLane(method, sequence, `${method.name} others`, others, every.slice(1)), isOff: true },
  ];
}

function trackLane(method: Method, sequence: Explained, key: string, title: string, shown: number[]): Lane {
  const { midpoint } = method;
  const { length } = sequence;
  const names = shown.map((r) => method.tracks[r] ?? "");
  const own = shown.map((r) => sequence.values.subarray(r * length, (r + 1) * length));
  const far = (v: number) => Math.abs(v - (midpoint ?? 0));
  const most = own.reduce((all, one) => one.reduce((m, v) => Math.max(m, far(v)), all), 0);
  const isOwn = midpoint === null && !method.units;
  const say = (name: string, v: number) => `${name} ${short(v)}`;
  return {
    key,
    title,
    note: method.units,
    height: shown.length * (shown.length > FEW ? 11 : midpoint === null ? 30 : 17),
    draw: (pen, frame) => {
      const full = frame.reach?.[1] ?? most;
      if (midpoint === null) drawBars(pen, own, names, full, frame);
      else drawStrips(pen, own, names, midpoint, full, frame);
    },
    read: (i) => {
      const values = own.map((one) => one[i] ?? 0);
      if (values.length <= FEW) return `${method.title} ${values.map((v, k) => say(names[k] ?? "", v)).join(", ")}`;
      const top = values.reduce((best, v, k) => (far(v) > far(values[best] ?? 0) ? k : best), 0);
      return `${method.title} most in ${say(names[top] ?? "", values[top] ?? 0)}`;
    },
    tell: (from, to) => names.slice(0, FEW).map((name, k) => `${name} ${range(own[k], from, to)}`).join("; "),
    columns: names.map((name, k) => [`${method.name}:${name}`, (i) => (own[k]?.[i] ?? 0).toPrecision(4)]),
    scale: { quantity: key, isBare: midpoint === null, ...(isOwn && { own: `up to ${short(most)}` }), reach: () => [0, most] },
  };
}

/** Lowest and highest value of a track in a window, and where the highest is. */
function range(track: Float32Array | undefined, from: number, to: number): string {
  const values = track?.subarray(from, to) ?? new Float32Array();
  const high = values.reduce((best, v, i) => (v > (values[best] ?? 0) ? i : best), 0);
  const low = values.reduce((least, v) => Math.min(least, v), Infinity);
  return values.length ? `from ${short(low)} to ${short(values[high] ?? 0)}, highest at ${from + high}` : "";
}

interface Site {
  start: number;
  end: number;
  isForward: boolean;
  name: string;
  value: number;
  line: number;
  also: Site[]; // less sure ones at the same place: one family of factors has many names
}

const LINE = 19;
const MANY = 8; // sites that a sentence names

/** Sites that are there, by their p-values. */
export function siteLane(sites: Sites, row: number): Lane {
  const say = (site: Site) => `p ${(10 ** (-site.value / 10)).toPrecision(1)}`;
  return placed("sites", "Motif sites", onLines(gathered(sitesOf(sites, row))), say, (_, colors) => colors.accent);
}

/** Sites that the model uses, by what they contribute. */
export function hitLane(hits: Sites, row: number): Lane {
  const say = (site: Site) => `contributes ${short(site.value / 100)}`;
  const color = (site: Site, colors: Palette) => (site.value < 0 ? colors.down : colors.up);
  return placed("hits", "Pattern hits", onLines(sitesOf(hits, row)), say, color);
}

/** Arrows with names; those that would overlap on lines of their own. */
function placed(
  key: string,
  title: string,
  found: Site[],
  say: (site: Site) => string,
  color: (site: Site, colors: Palette) => string,
): Lane {
  const over = (i: number) => found.filter((s) => s.start <= i && i < s.end);
  const sign = (s: Site) => (s.isForward ? "+" : "\u2212");
  const others = (s: Site) => (s.also.length ? ` (also ${s.also.map((o) => `${o.name} ${sign(o)}`).join(", ")})` : "");
  const said = (s: Site) => `${s.name} ${s.start}\u2013${s.end} ${sign(s)} ${say(s)}${others(s)}`;
  const listed = (i: number) => over(i).flatMap((s) => [s, ...s.also]).map((s) => `${s.name}(${s.isForward ? "+" : "-"})`);
  return {
    key,
    title,
    note: found.length ? "" : "none on this sequence",
    height: found.length ? LINE * Math.max(...found.map((s) => s.line + 1)) : 4,
    draw: (pen, frame) => drawSites(pen, found, frame, (s) => color(s, frame.colors)),
    read: (i) => over(i).map(said).join(", "),
    tell: (from, to) => {
      const there = found.filter((s) => s.start < to && from < s.end);
      const rest = there.length > MANY ? ` and ${there.length - MANY} more` : "";
      return there.slice(0, MANY).map(said).join("; ") + rest;
    },
    columns: [[key, (i) => listed(i).join(",")]],
  };
}

function sitesOf(sites: Sites, row: number): Site[] {
  const flat = sites.rows[row] ?? [];
  const found: Site[] = [];
  for (let k = 0; k + 4 < flat.length; k += 5) {
    const [start = 0, end = 0, strand = 1, name = 0, value = 0] = flat.slice(k, k + 5);
    found.push({ start, end, isForward: strand > 0, name: sites.names[name] ?? "", value, line: 0, also: [] });
  }
  return found;
}

/** The surest of the sites that share more than half of the narrower one; the others stand behind it. */
function gathered(sites: Site[]): Site[] {
  const kept: Site[] = [];
  for (const site of [...sites].sort((a, b) => b.value - a.value)) {
    const shared = (k: Site) => Math.min(k.end, site.end) - Math.max(k.start, site.start);
    const before = kept.find((k) => 2 * shared(k) > Math.min(k.end - k.start, site.end - site.start));
    if (before) before.also.push(site);
    else kept.push(site);
  }
  return kept.sort((a, b) => a.start - b.start);
}

/** Sites on the first line that is free where they lie. */
function onLines(sites: Site[]): Site[] {
  const placed: Site[] = [];
  for (const site of sites) {
    const taken = new Set(placed.filter((s) => s.start < site.end + 2 && site.start < s.end + 2).map((s) => s.line));
    while (taken.has(site.line)) site.line++;
    placed.push(site);
  }
  return placed;
}

function drawSites(pen: Pen, sites: Site[], frame: Frame, color: (site: Site) => string): void {
  pen.within(LEFT, frame.width - LEFT - RIGHT, () => {
    for (const site of sites) {
      const x = frame.x(site.start);
      const width = frame.x(site.end) - x;
      if (x > frame.width || x + width < LEFT) continue;
      const top = site.line * LINE + 1;
      pen.box(x, top, width, LINE - 3, color(site), 0.18);
      pen.box(site.isForward ? x : x + width - 2.5, top, 2.5, LINE - 3, color(site)); // where it begins
      const name = site.also.length ? `${site.name} +${site.also.length}` : site.name;
      const text = site.isForward ? `${name} \u25b8` : `\u25c2 ${name}`;
      const how = { color: frame.colors.ink, align: "center", middle: true, room: Math.max(0, width - 8) } as const;
      pen.words(text, x + width / 2, top + (LINE - 3) / 2, how);
    }
  });
}

export function conflictLane(agreement: Agreement, row: number): Lane {
  const at = agreement.conflicts[row] ?? [];
  const there = new Set(at);
  return {
    key: "contested",
    title: "Contested",
    note: at.length ? `${at.length} position${at.length > 1 ? "s" : ""} where two methods are sure of opposite signs` : "nowhere are two methods sure of opposite signs",
    height: 12,
    draw: (pen, frame) => {
      pen.box(LEFT, 0, frame.width - LEFT - RIGHT, frame.height, frame.colors.tint);
      pen.within(LEFT, frame.width - LEFT - RIGHT, () => {
        for (const i of at) pen.box(frame.x(i), 0, Math.max(1.5, frame.perBase), frame.height, frame.colors.caution);
      });
    },
    read: (i) => (there.has(i) ? "contested" : ""),
    columns: [["contested", (i) => (there.has(i) ? "1" : "0")]],
  };
}

/** A box for each lane that is switched on and off; the difference has a choice of its own. */
export function laneBoxes(lanes: Lane[], isOn: (lane: Lane) => boolean, toggled: (key: string, isOn: boolean) => void): HTMLElement[] {
  const first = new Map<string, Lane>();
  for (const lane of lanes) if (!first.has(lane.key) && lane.key !== "difference") first.set(lane.key, lane);
  return [...first.values()].map((lane) => {
    const box = element("input", { type: "checkbox", value: lane.key });
    box.checked = isOn(lane);
    box.addEventListener("change", () => toggled(lane.key, box.checked));
    return element("label", {}, box, lane.title.replace(/, all four bases$/, ""));
  });
}
