// What a reader changed in a sequence: bases and motifs put in, in their order, each of which can be
// taken out again. Text and history of the changes.

export interface BaseEdit {
  kind: "base";
  at: number;
  base: string;
}

export interface MotifEdit {
  kind: "motif";
  at: number;
  letters: string; // as on the + strand of the motif
  isForward: boolean;
  name: string;
}

export type Edit = BaseEdit | MotifEdit;

const PAIRS: Record<string, string> = { A: "T", C: "G", G: "C", T: "A" };

export function reverseComplement(letters: string): string {
  return Array.from(letters, (b) => PAIRS[b] ?? "N").reverse().join("");
}

/** The letters that a change puts in. */
export function lettersOf(edit: Edit): string {
  if (edit.kind === "base") return edit.base;
  return edit.isForward ? edit.letters : reverseComplement(edit.letters);
}

/** A sequence with the changes; a later one lies over an earlier one. */
export function applied(sequence: string, edits: readonly Edit[]): string {
  const letters = [...sequence];
  for (const edit of edits) {
    [...lettersOf(edit)].forEach((letter, i) => {
      if (edit.at + i < letters.length) letters[edit.at + i] = letter;
    });
  }
  return letters.join("");
}

/** The changes with a base put at a place; nothing is left of one that gives the base back. */
export function withBase(sequence: string, edits: readonly Edit[], at: number, base: string): Edit[] {
  const others = edits.filter((e) => e.kind !== "base" || e.at !== at);
  return applied(sequence, others)[at] === base ? others : [...others, { kind: "base", at, base }];
}

/** Where a motif may begin: inside the sequence as a whole. */
export function placed(edit: MotifEdit, at: number, length: number): MotifEdit {
  return { ...edit, at: Math.max(0, Math.min(length - edit.letters.length, Math.round(at))) };
}

/** A change as text: A12G (12 counts from 0), or CACGTG@30+ and the motif's name. */
export function said(sequence: string, edits: readonly Edit[], index: number): string {
  const edit = edits[index];
  if (!edit) return "";
  if (edit.kind === "motif") return `${edit.name} ${lettersOf(edit)} at ${edit.at} ${edit.isForward ? "+" : "\u2212"}`;
  const before = applied(sequence, edits.slice(0, index))[edit.at] ?? "N";
  return `${before}${edit.at}${edit.base}`;
}

/** The changes in an address: G12,CACGTG@30+USF1 */
export function toText(edits: readonly Edit[]): string {
  return edits
    .map((e) => (e.kind === "base" ? `${e.base}${e.at}` : `${e.letters}@${e.at}${e.isForward ? "+" : "-"}${encodeURIComponent(e.name)}`))
    .join(",");
}

/** The changes that an address names, and the text of those that this sequence has no place for. */
export function fromText(text: string, length: number): { edits: Edit[]; left: string[] } {
  const parts = text.split(",").filter((part) => part);
  const read = parts.map((part) => parsed(part, length));
  return { edits: read.filter((edit) => edit !== null), left: parts.filter((_, i) => !read[i]) };
}

function parsed(part: string, length: number): Edit | null {
  const base = /^([ACGT])(\d{1,6})$/.exec(part);
  if (base && Number(base[2]) < length) return { kind: "base", base: base[1] ?? "", at: Number(base[2]) };
  const motif = /^([ACGT]{1,100})@(\d{1,6})([+-])(.{0,300})$/.exec(part);
  if (!motif) return null;
  const [, letters = "", at = "", strand, name = ""] = motif;
  if (Number(at) + letters.length > length) return null;
  return { kind: "motif", letters, at: Number(at), isForward: strand === "+", name: decoded(name) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const MOST = 200; // steps back

/** States to go back to and forth from. */
export class History<T> {
  private back: T[] = [];
  private forth: T[] = [];

  constructor(public now: T) {}

  /** A new state; one that follows the last within a gesture takes its place. */
  to(state: T, isSameGesture = false): void {
    if (!isSameGesture) this.back = [...this.back.slice(-MOST), this.now];
    this.forth = [];
    this.now = state;
  }

  undo(): boolean {
    return this.step(this.back, this.forth);
  }

  redo(): boolean {
    return this.step(this.forth, this.back);
  }

  get canUndo(): boolean {
    return this.back.length > 0;
  }

  get canRedo(): boolean {
    return this.forth.length > 0;
  }

  private step(from: T[], to: T[]): boolean {
    const state = from.pop();
    if (state === undefined) return false;
    to.push(this.now);
    this.now = state;
    return true;
  }
}
