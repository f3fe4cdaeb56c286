// Elements with text: names are untrusted, so nothing here takes HTML.

type Attributes = Record<string, string | number | boolean | undefined>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

export function button(text: string, label: string, act: () => void | Promise<void>): HTMLButtonElement {
  const made = element("button", { type: "button", "aria-label": label, title: label }, text);
  made.addEventListener("click", () => void act());
  return made;
}

/** Lets a button rest while it works: it cannot be pressed twice. If it had the focus, it has it again
 * afterwards, or what has taken its place. */
export async function resting(press: HTMLButtonElement, work: () => Promise<void>, heir: () => HTMLElement | null = () => press): Promise<void> {
  const isHeld = document.activeElement === press;
  press.disabled = true;
  try {
    await work();
  } finally {
    press.disabled = false;
    if (isHeld && document.activeElement === document.body) heir()?.focus({ preventScroll: true });
  }
}

/** Changes the words of an element where they are others: a status is read aloud whenever they are set. */
export function setWords(host: Element, words: string): void {
  if (host.textContent !== words) host.textContent = words;
}

export function save(name: string, type: string, text: string): void {
  saveBlob(name, new Blob([text], { type }));
}

export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = element("a", { href: url, download: name.replace(/[^\w.+-]+/g, "_").slice(0, 120) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A number in short: at most four significant figures. */
export function short(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return minus(value.toExponential(2));
  if (Number.isInteger(value)) return minus(value.toLocaleString("en-US"));
  return minus(size >= 1 ? value.toFixed(3 - Math.min(3, Math.floor(Math.log10(size)))) : value.toFixed(3));
}

export function minus(text: string): string {
  return text.replace(/^-/, "\u2212");
}
