// From the sequence that is looked at to the view that asks about it.

import { button } from "../dom";
import { onShow } from "../route";

export function takeFromSequences(): void {
  onShow("sequences", () => {
    const bar = document.querySelector("#viewer .bar");
    if (!bar || bar.querySelector(".take")) return;
    const take = button("Change it", "Change this sequence and ask the model", () => {
      const name = document.querySelector("#viewer h3")?.textContent ?? "";
      location.hash = `#ask?${new URLSearchParams({ name })}`;
    });
    take.classList.add("take", "primary");
    bar.append(take);
  });
}
