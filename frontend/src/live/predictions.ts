// What the model predicts, of the sequence as given and as it is now.

import { element, minus, short } from "../dom";
import type { Prediction } from "./api";

type Kind = "probability" | "rate" | "score";
const KINDS: [Kind, string][] = [
  ["probability", "Probability"],
  ["rate", "Rate"],
  ["score", "Score"],
];

/**
 * One row an output: before, after, change, of each number that the model gives. `after` is null
 * where nothing was changed, and empty where the model has not answered for the changes.
 */
export function predictionTable(before: Prediction[], after: Prediction[] | null, target: string): HTMLElement {
  const kinds = KINDS.filter(([kind]) => before.some((p) => typeof p[kind] === "number"));
  const heads = kinds.flatMap(([, title]) => (after ? [`${title} before`, "after", "change"] : [title]));
  const head = element("tr", {}, ...["Output", ...heads].map((text, i) => element("th", { scope: "col", class: i ? "n" : "" }, text)));
  const rows = before.map((old) => {
    const now = after?.find((p) => p.output === old.output) ?? null;
    const cells = kinds.flatMap(([kind]) => numbers(old[kind], after ? (now?.[kind] ?? null) : undefined, kind));
    const row = element("tr", {}, element("th", { scope: "row" }, old.output), ...cells);
    if (old.output === target) row.setAttribute("aria-current", "true");
    return row;
  });
  return element(
    "table",
    { class: "predictions", "data-files": "none" }, // changes with every question
    element("caption", {}, !after ? "Prediction" : after.length ? "Prediction, before and after your changes" : "Prediction; not yet that of your changes"),
    element("thead", {}, head),
    element("tbody", {}, ...rows),
  );
}

function numbers(before: number | null | undefined, after: number | null | undefined, kind: Kind): HTMLElement[] {
  if (after === undefined) return [bar(before, kind)];
  const change = typeof before === "number" && typeof after === "number" ? after - before : null;
  const said = change === null ? "" : `${change > 0 ? "+" : ""}${minus(short(change))}`;
  const direction = change === null || Math.abs(change) < 1e-9 ? "" : change > 0 ? "rises" : "falls";
  return [element("td", { class: "n" }, text(before, kind)), bar(after, kind), element("td", { class: `n ${direction}` }, said)];
}

/** A number; a probability with a bar as long as it is large. */
function bar(value: number | null | undefined, kind: Kind): HTMLElement {
  const cell = element("td", { class: "n" }, text(value, kind));
  if (kind === "probability" && typeof value === "number") {
    cell.classList.add("share");
    cell.style.setProperty("--share", `${(100 * value).toFixed(1)}%`);
  }
  return cell;
}

function text(value: number | null | undefined, kind: Kind): string {
  if (typeof value !== "number") return "";
  return kind === "probability" ? value.toFixed(3) : short(value);
}

/** The change of the output that is explained, in a sentence that is read aloud. */
export function sentence(before: Prediction[], after: Prediction[] | null, target: string): string {
  const old = before.find((p) => p.output === target) ?? before[0];
  const now = after?.find((p) => p.output === target) ?? null;
  if (!old) return "";
  const kind = KINDS.find(([k]) => typeof old[k] === "number")?.[0] ?? "score";
  if (!now) return `${target}: ${kind} ${text(old[kind], kind)}.`;
  return `${target}: ${kind} ${text(old[kind], kind)} before, ${text(now[kind], kind)} after your changes.`;
}
