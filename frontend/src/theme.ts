// Light and dark, and the colors of letters: what the reader chose, else what the system says.

export type Scheme = "auto" | "light" | "dark";
export type Colors = "standard" | "safe";

const KEY = "cisgram:look"; // of the browser's storage, where a page may use it
const listeners = new Set<() => void>();
let scheme: Scheme = "auto";

/** Calls back whenever drawings have to be made anew in other colors. */
export function onColors(act: () => void): void {
  listeners.add(act);
}

function changed(): void {
  for (const act of listeners) act();
}

/** The rule of the style sheet that holds the dark colors: what it asks for is what is switched. */
function darkRule(): CSSMediaRule | undefined {
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (rule instanceof CSSMediaRule && rule.cssText.includes("--scheme: dark")) return rule;
    }
  }
  return undefined;
}

const ASKED: Record<Scheme, string> = {
  auto: "screen and (prefers-color-scheme: dark)",
  light: "not all",
  dark: "screen",
};

function apply(wanted: Scheme): void {
  const rule = darkRule();
  if (rule) rule.media.mediaText = ASKED[wanted];
  document.documentElement.style.colorScheme = wanted === "auto" ? "" : wanted;
}

export function getScheme(): Scheme {
  return scheme;
}

export function setScheme(wanted: Scheme): void {
  scheme = wanted;
  apply(wanted);
  remember();
  changed();
}

export function getColors(): Colors {
  return document.documentElement.dataset.letters === "safe" ? "safe" : "standard";
}

export function setColors(wanted: Colors): void {
  if (wanted === "safe") document.documentElement.dataset.letters = "safe";
  else delete document.documentElement.dataset.letters;
  remember();
  changed();
}

/** Does something in light colors, as paper and files have them; the screen does not change. */
export function inLight<T>(act: () => T): T {
  apply("light");
  try {
    return act();
  } finally {
    apply(scheme);
  }
}

function remember(): void {
  try {
    localStorage.setItem(KEY, `${scheme} ${getColors()}`);
  } catch {
    // A page that may store nothing (some browsers: every file) is as it is opened.
  }
}

export function startTheme(): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  let kept = "";
  try {
    kept = localStorage.getItem(KEY) ?? "";
  } catch {
    return;
  }
  const [was, letters] = kept.split(" ");
  if (letters === "safe") document.documentElement.dataset.letters = "safe";
  if (was === "light" || was === "dark") {
    scheme = was;
    apply(was);
  }
}
