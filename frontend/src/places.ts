// Addresses of single things on views that Python draws: a motif, a neuron, a rule.

import { onShow } from "./route";

/** Goes to what an address names on the views of motifs, neurons and rules. */
export function startPlaces(): void {
  for (const view of ["motifs", "grammar"]) {
    onShow(view, (params) => {
      const name = params.get("name");
      if (name !== null) later(() => named(view, name));
    });
  }
  onShow("neurons", (params) => {
    const [layer, neuron] = [params.get("layer"), params.get("neuron")];
    const id = neuron === null ? `layer-${layer}` : `neuron-${layer}-${neuron}`;
    if (layer !== null) later(() => document.getElementById(id));
  });
}

/** After the view has been turned to, which scrolls to its top. */
function later(find: () => HTMLElement | null): void {
  queueMicrotask(() => goTo(find()));
}

/** Names are compared as text: none becomes part of a selector. */
function named(view: string, name: string): HTMLElement | null {
  const rows = document.getElementById(view)?.querySelectorAll<HTMLElement>("tr[data-name]") ?? [];
  return [...rows].find((row) => row.dataset.name === name) ?? null;
}

function goTo(place: HTMLElement | null): void {
  document.querySelector(".here")?.classList.remove("here");
  if (!place) return;
  for (let e: Element | null = place; e; e = e.parentElement) if (e instanceof HTMLDetailsElement) e.open = true;
  place.classList.add("here");
  if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
  place.scrollIntoView({ block: "center" });
  place.focus({ preventScroll: true });
}
