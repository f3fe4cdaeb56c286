// What one method says minus what another says, or minus what it says of the sequence beside.

import { element, short } from "./dom";
import type { Lane } from "./lanes";
import { drawLetters, LEFT, RIGHT } from "./track";

/** Scores of the bases that are there, by one method. */
export interface Scored {
  title: string;
  units: string;
  signed: boolean;
  relative: boolean; // changes against the base that is there
  scores: Float32Array;
  codes: Uint8Array;
}

/** The sequence beside, that can be subtracted. */
export interface Against {
  name: string;
  scored: Map<string, Scored>;
}

const ALIKE = 0.25; // share of other bases up to which each of them is marked

export const BESIDE = "@beside";
/** A method, and what is subtracted from it: another method, or itself on the sequence beside. */
export type Minus = [string, string];

interface Subtracted {
  values: Float32Array;
  unlike: boolean[]; // where the two sequences have other bases
  said: string;
  units: string;
}

/**
 * A minus B. As they are where both measure the same: in the same units, with signs or both without,
 * as changes or both not; else each as a share of its own largest score on the sequence. Nothing where one is missing or the lengths differ.
 */
export function subtracted([first, second]: Minus, own: Map<string, Scored>, against: Against | null): Subtracted | null {
  const a = own.get(first);
  const b = second === BESIDE ? against?.scored.get(first) : own.get(second);
  if (!a || !b || a.scores.length !== b.scores.length) return null;
  const isRaw = second === BESIDE || (a.units !== "" && a.units === b.units && a.signed === b.signed && a.relative === b.relative);
  const [of, by] = [isRaw ? 1 : largest(a.scores), isRaw ? 1 : largest(b.scores)];
  const other = second === BESIDE ? `${a.title} of ${against?.name ?? ""}` : b.title;
  return {
    values: a.scores.map((v, i) => v / of - (b.scores[i] ?? 0) / by),
    unlike: Array.from(a.codes, (code, i) => code !== b.codes[i]),
    said: `${a.title} minus ${other}`,
    units: isRaw ? a.units : "shares of the largest",
  };
}

function largest(scores: Float32Array): number {
  return scores.reduce((most, v) => Math.max(most, Math.abs(v)), 0) || 1;
}

export function differenceLane(minus: Minus | null, own: Map<string, Scored>, against: Against | null): Lane | null {
  const found = minus && subtracted(minus, own, against);
  const codes = minus && own.get(minus[0])?.codes;
  if (!minus || !found || !codes) return null;
  const { values, unlike, said, units } = found;
  const isMarked = unlike.filter(Boolean).length <= ALIKE * unlike.length; // of unrelated sequences most differ
  const isScaled = units === "shares of the largest";
  const how = isScaled ? "each divided by its own largest score on this sequence" : units;
  return {
    key: "difference",
    title: "Difference",
    note: how ? `${said}, ${how}` : said,
    height: 92,
    draw: (pen, frame) => {
      pen.within(LEFT, frame.width - LEFT - RIGHT, () => {
        for (let i = frame.from; isMarked && i < frame.to; i++) {
          if (unlike[i]) pen.box(frame.x(i), 0, Math.max(1, frame.perBase), frame.height, frame.colors.caution, 0.25);
        }
      });
      drawLetters(pen, codes, values, frame);
    },
    read: (i) => `difference ${short(values[i] ?? 0)}${isScaled ? "" : units && ` ${units}`}`,
    columns: [[`difference:${minus[0]}-${minus[1]}`, (i) => (values[i] ?? 0).toPrecision(4)]],
    scores: values,
  };
}

/** Two lists to choose from: a method, and what is subtracted from it. */
export class DifferenceChoice {
  readonly element = element("span", { class: "minus", role: "group", "aria-label": "Difference track" });
  private readonly first = element("select", { "aria-label": "Difference of" });
  private readonly second = element("select", { "aria-label": "What is subtracted" });
  private chosen: Minus | null = null; // by the reader
  private possible: Minus | null = null; // of the sequences that are open

  constructor(changed: () => void) {
    this.element.append(this.first, element("span", {}, "minus"), this.second);
    const take = () => {
      const methods = [...this.first.options].map((o) => o.value).filter(Boolean);
      const other = this.second.value || methods.find((name) => name !== this.first.value) || BESIDE;
      this.chosen = this.first.value ? [this.first.value, other] : null;
      changed();
    };
    this.first.addEventListener("change", take);
    this.second.addEventListener("change", take);
  }

  get value(): Minus | null {
    return this.possible;
  }

  choose(chosen: Minus | null): void {
    this.chosen = chosen;
  }

  /** Chooses a method that both sequences have, unless one is chosen already. */
  subtract(against: Against, own: Map<string, Scored>): void {
    const both = [...own.keys()].find((name) => against.scored.get(name)?.scores.length === own.get(name)?.scores.length);
    if (both && !this.chosen) this.chosen = [both, BESIDE];
  }

  offer(own: Map<string, Scored>, against: Against | null): void {
    const methods = [...own].map(([name, { title }]) => new Option(title, name));
    this.first.replaceChildren(new Option("Difference: none", ""), ...methods);
    this.first.value = this.chosen && own.has(this.chosen[0]) ? this.chosen[0] : "";
    const from = own.get(this.first.value);
    const rest = [...own].filter(([name]) => name !== this.first.value).map(([name, { title }]) => new Option(title, name));
    const beside = against?.scored.get(this.first.value);
    if (beside && beside.scores.length === from?.scores.length) rest.push(new Option(`the same of ${against?.name ?? ""}`, BESIDE));
    this.second.replaceChildren(...rest);
    this.second.value = this.chosen?.[1] ?? "";
    if (this.second.selectedIndex < 0 && rest.length) this.second.selectedIndex = 0;
    const isChosen = this.first.value !== "";
    this.element.hidden = own.size < 2 && !against;
    this.element.classList.toggle("off", !isChosen);
    this.possible = isChosen && rest.length ? [this.first.value, this.second.value] : null;
  }
}
