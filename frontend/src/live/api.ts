// Questions to the server that the page came from; its errors are paragraphs for the reader.

import type { Payload } from "../payload";

export interface Config {
  run: string;
  version: string; // of the files that the page was drawn from
  second?: string; // of a page of two runs
  runs: { slug: string; name: string }[];
}

export interface MethodFact {
  name: string;
  title: string;
  about: string;
  prompt: boolean; // drawn without being asked for
}

export interface ModelFacts {
  model: string;
  ready: boolean; // can be asked
  why: string; // it cannot
  length: number | null; // none before training
  outputs: string[];
  target: string;
  methods: MethodFact[];
  sources: string[]; // of motifs
}

export interface Prediction {
  output: string;
  score: number | null;
  probability?: number | null;
  rate?: number | null;
  sd?: number | null;
}

export interface Answer {
  given: number;
  length: number;
  offset: number; // of the first letter that the model read, in the sequence as given
  note: string;
  predictions: Prediction[];
  target: string;
  payload: Payload;
  ms: number;
}

export interface PaletteMotif {
  name: string;
  source: string;
  letters: string;
  consensus: string;
  target: string;
  q: number | null;
}

export interface Job {
  id: string;
  title: string;
  result: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled" | "interrupted";
  done: number;
  total: number;
  said: string;
  error: string;
  made: string;
  began: string;
  ended: string;
}

export interface Progress {
  state: string;
  said: string;
  version: string;
  epochs: number | null; // of each member, at most
  members: number | null;
  history: { file: string; columns: string[]; rows: (number | string | null)[][] }[];
  scores: Record<string, Record<string, unknown>>;
  motifs: { source: string; matches: { motif: string; target: string; q: number | null }[] }[];
  demixing: { is_held: boolean | null; done: Record<string, number> }; // null: nobody knows
  broken: string[];
}

/** An error whose message is one sentence or a paragraph for the reader. */
export class Said extends Error {
  constructor(message: string, readonly status: number) {
    super(message);
  }
}

const GONE = "The server does not answer. Look whether 'cisgram serve' still runs, then try again.";

export class Api {
  constructor(private readonly run: string) {}

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.fetched<T>(path, signal ? { signal } : {});
  }

  post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    const init: RequestInit = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return this.fetched<T>(path, signal ? { ...init, signal } : init);
  }

  /** Facts of the model; says why there are none, as where the files of a run are damaged. */
  async model(): Promise<ModelFacts> {
    const found = await this.get<ModelFacts | { ready: false; why: string }>("model");
    if (!("methods" in found)) throw new Said(found.why, 200);
    return found;
  }

  file(path: string): string {
    return `/runs/${encodeURIComponent(this.run)}/files/${path.split("/").map(encodeURIComponent).join("/")}`;
  }

  private async fetched<T>(path: string, init: RequestInit): Promise<T> {
    let response: Response;
    try {
      response = await fetch(`/api/runs/${encodeURIComponent(this.run)}/${path}`, init);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new Said(GONE, 0);
    }
    const found: unknown = await response.json().catch(() => null);
    if (response.ok && found !== null) return found as T;
    const told = found && typeof found === "object" && "error" in found ? String(found.error) : "";
    throw new Said(told || `The server answered with ${response.status}. Reload the page and try again.`, response.status);
  }
}

/** A name for this page, by which its newer questions take the place of its older ones. */
export function pageName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

export function paragraph(error: unknown): string {
  return error instanceof Said ? error.message : "The page could not show the answer. Reload it and try again.";
}
