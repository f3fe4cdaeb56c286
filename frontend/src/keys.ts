// What the keyboard does, shown on "?".

import { button, element } from "./dom";

const KEYS: [string, [string, string][]][] = [
  ["Everywhere", [["?", "these keys"], ["Tab", "next control; the first is a link past the tabs"], ["Enter", "open a tab, press a button"]]],
  [
    "Table of sequences",
    [["/", "filter by name"], ["\u2191 \u2193", "next and previous sequence"], ["Page Up, Page Down", "turn the page"], ["Enter", "draw the sequence"], ["Shift + Enter", "draw it beside the one that is open"]],
  ],
  [
    "Tracks",
    [["\u2190 \u2192", "step from base to base"], ["Shift + \u2190 \u2192", "move by a quarter"], ["Home, End", "first and last base"], ["+ \u2212", "zoom"], ["0", "the whole sequence"]],
  ],
];

let dialog: HTMLDialogElement | null = null;

export function openKeys(): void {
  dialog ??= made();
  if (!dialog.open) dialog.showModal();
}

function made(): HTMLDialogElement {
  const parts = KEYS.flatMap(([title, keys]) => [
    element("h3", {}, title),
    element("dl", {}, ...keys.map(([key, what]) => element("div", {}, element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)))),
  ]);
  const box = element("dialog", { class: "keys", "aria-labelledby": "keys-title" }, element("h2", { id: "keys-title" }, "Keys"), ...parts);
  box.append(button("Close", "Close", () => box.close()));
  box.addEventListener("click", (e) => {
    if (e.target === box) box.close(); // beside the sheet
  });
  document.body.append(box);
  return box;
}

/** Listens for the keys that work everywhere, except where text is typed. */
export function startKeys(search: () => void): void {
  addEventListener("keydown", (e) => {
    const isTyping = e.target instanceof Element && e.target.closest("input, textarea, select, [contenteditable]");
    if (isTyping || e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
    if (e.key === "?") openKeys();
    else if (e.key === "/") search();
    else return;
    e.preventDefault();
  });
}
