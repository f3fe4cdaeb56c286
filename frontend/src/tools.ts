// The tools of every page: light or dark, the colors of letters, a link to what is shown, the keys.

import { button, element } from "./dom";
import { openKeys } from "./keys";
import { here } from "./route";
import { type Colors, getColors, getScheme, onColors, type Scheme, setColors, setScheme } from "./theme";

export function startTools(): void {
  const schemes = element("select", { "aria-label": "Light or dark" }, new Option("Light or dark: auto", "auto"), new Option("Light", "light"), new Option("Dark", "dark"));
  const letters = element("select", { "aria-label": "Colors of the letters" }, new Option("Letters: usual", "standard"), new Option("Letters: color-blind-safe", "safe"));
  const fill = () => {
    schemes.value = getScheme();
    letters.value = getColors();
  };
  fill();
  onColors(fill);
  schemes.addEventListener("change", () => setScheme(schemes.value as Scheme));
  letters.addEventListener("change", () => setColors(letters.value as Colors));
  const said = element("span", { role: "status", class: "said" });
  const link = button("Copy link", "Copy a link to this view", () => void copy(here(), said));
  const keys = button("?", "Show the keys", openKeys);
  document.querySelector(".top")?.prepend(element("div", { class: "tools" }, said, link, schemes, letters, keys));
}

/** The clipboard where the page may use it, else a field to copy from. */
async function copy(text: string, said: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Link copied";
    setTimeout(() => (said.textContent = ""), 2500);
  } catch {
    const field = element("input", { readonly: true, value: text, "aria-label": "Link to this view" });
    const close = button("Close", "Close", () => dialog.close());
    const dialog = element("dialog", { class: "note", "aria-label": "Link to this view" }, element("p", {}, "Copy this link:"), field, close);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    field.select();
  }
}
