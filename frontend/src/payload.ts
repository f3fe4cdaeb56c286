// What Python packed (report/pack.py): rows, and gzip + base64 of bases and of int8 attributions.

import { short } from "./dom";

export interface Column {
  name: string;
  title: string;
  numeric: boolean;
}

export interface Method {
  name: string;
  title: string;
  units: string;
  tracks: string[]; // names of the scores of a position; none where bases are scored
  midpoint: number | null; // of tracks: what speaks neither for nor against, if anything does
  signed: boolean; // for and against; else sizes alone
  relative: boolean; // values are changes against the base that is there
  index: number[]; // row of the table -> place in `values`, or -1
  scale: number[]; // value = int8 * scale, one a sequence, or one a track of each
  values: string;
}

/**
 * Sites of named motifs: start, end, strand, name and a number of each, one after the other. The
 * number is -10 log10 p of a site that is there, 100 x contribution of one that the model uses.
 */
export interface Sites {
  names: string[];
  rows: number[][];
}

/** Where methods agree: hundredths of rank correlation by pair of methods, contested positions. */
export interface Agreement {
  pairs: [string, string][];
  rows: (number | null)[][];
  conflicts: number[][];
}

/** What the model would most like to see. */
export interface Optimum {
  name: string;
  ppm: number[][]; // (4, k), rows A C G T
}

export interface Payload {
  columns: Column[];
  rows: (string | number | null)[][]; // name first, then one value a column
  lengths: number[];
  letters: string[]; // outlines of A C G T
  codes: string;
  methods: Method[];
  sites: Sites | null;
  hits: Sites | null;
  agreement: Agreement | null;
  optima?: Optimum[];
}

/** One sequence with one method's scores. */
export interface Explained {
  codes: Uint8Array; // (length) 0-3 = A C G T, 4 = unknown
  values: Float32Array; // (rows * length), rows A C G T or tracks
  length: number;
  relative: boolean;
}

export function readPayload(): Payload | null {
  const block = document.getElementById("sequence-data");
  return block ? (JSON.parse(block.textContent ?? "null") as Payload | null) : null;
}

/** What the table says of a sequence, and its length. */
export function facts(payload: Payload, row: number): string {
  const values = payload.rows[row] ?? [];
  const said = payload.columns.map((c, i) => {
    const v = values[i + 1];
    return v === null || v === undefined || v === "" ? "" : `${c.title} ${typeof v === "number" ? short(v) : v}`;
  });
  return [...said.filter(Boolean), `${(payload.lengths[row] ?? 0).toLocaleString("en-US")} bp`].join(" \u00b7 ");
}

/** Names of the rows; those that occur twice get a number, so that each row can be named. */
export function labels(payload: Payload): string[] {
  const seen = new Set<string>();
  return payload.rows.map((row) => {
    const name = String(row[0] ?? "");
    let label = name;
    for (let k = 2; seen.has(label); k++) label = `${name} (${k})`;
    seen.add(label);
    return label;
  });
}

async function unpack(text: string): Promise<Uint8Array> {
  const binary = atob(text);
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) packed[i] = binary.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Unpacks each block once, when it is first asked for. */
export class Store {
  private readonly blocks = new Map<string, Promise<Uint8Array>>();
  private readonly starts: number[] = [];

  constructor(readonly payload: Payload) {
    let at = 0;
    for (const length of payload.lengths) {
      this.starts.push(at);
      at += length;
    }
  }

  /** Methods that explain a row. */
  methodsOf(row: number): Method[] {
    return this.payload.methods.filter((m) => (m.index[row] ?? -1) >= 0);
  }

  async sequence(row: number, method: Method): Promise<Explained> {
    const length = this.payload.lengths[row] ?? 0;
    const start = this.starts[row] ?? 0;
    const [codes, packed] = await Promise.all([
      this.block("codes", this.payload.codes),
      this.block(`values ${method.name}`, method.values),
    ]);
    const at = method.index[row] ?? -1;
    const rows = method.tracks.length || 4;
    const scales = method.tracks.length || 1;
    const quantized = new Int8Array(packed.buffer, packed.byteOffset + at * rows * length, rows * length);
    const values = new Float32Array(rows * length);
    for (let r = 0; r < rows; r++) {
      const scale = method.scale[at * scales + (scales > 1 ? r : 0)] ?? 0;
      for (let i = r * length; i < (r + 1) * length; i++) values[i] = (quantized[i] ?? 0) * scale;
    }
    return { codes: codes.subarray(start, start + length), values, length, relative: method.relative };
  }

  private block(name: string, text: string): Promise<Uint8Array> {
    let found = this.blocks.get(name);
    if (!found) {
      found = unpack(text);
      this.blocks.set(name, found);
    }
    return found;
  }
}
