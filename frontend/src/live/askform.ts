// What is asked: a sequence typed, pasted or taken from the run; which output; by which methods.

import { element } from "../dom";
import type { Api, ModelFacts } from "./api";

export interface Asked {
  name: string;
  sequence: string;
  target: string;
  methods: string[] | null;
}

export class AskForm {
  readonly element = element("form", { class: "askform" });
  private readonly text = element("textarea", { id: "ask-sequence", rows: 3, spellcheck: "false", autocomplete: "off", placeholder: "ACGT\u2026 or FASTA of one sequence" });
  private readonly about = element("p", { class: "about" });
  private readonly target = element("select", { id: "ask-target" });
  private readonly methods = element("fieldset", { class: "bar choices" }, element("legend", {}, "Methods"));
  private readonly rows = element("select", { id: "ask-row" });
  private readonly submit = element("button", { type: "submit", class: "primary" }, "Ask");
  private name = "sequence";
  private model: ModelFacts | null = null;

  constructor(
    readonly api: Api,
    private readonly ask: (asked: Asked) => void,
  ) {
    const targets = element("span", { class: "labeled", hidden: true }, element("label", { for: "ask-target" }, "Output explained "), this.target);
    const taken = element("span", { class: "labeled", hidden: true }, element("label", { for: "ask-row" }, "or take one of the run "), this.rows);
    this.element.append(
      element("label", { for: "ask-sequence" }, "Sequence"),
      this.text,
      this.about,
      this.methods,
      element("div", { class: "bar" }, this.submit, taken, targets),
    );
    this.methods.hidden = true;
    this.element.addEventListener("submit", (e) => {
      e.preventDefault();
      this.send();
    });
    this.text.addEventListener("input", () => {
      this.name = "";
    });
    this.text.addEventListener("keydown", (e) => {
      if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) this.send();
    });
    this.rows.addEventListener("change", () => {
      if (this.rows.value) location.hash = `#ask?${new URLSearchParams({ name: this.rows.value })}`;
    });
    this.target.addEventListener("change", () => this.send());
    this.methods.addEventListener("change", () => this.send());
  }

  /** Names of the sequences that the page shows. */
  names(names: string[]): void {
    this.rows.replaceChildren(new Option("choose\u2026", ""), ...names.map((name) => new Option(name, name)));
    (this.rows.parentElement ?? this.rows).hidden = names.length === 0;
  }

  facts(model: ModelFacts): void {
    this.model = model;
    const length = model.length?.toLocaleString("en-US") ?? "";
    this.about.textContent = model.ready ? `${model.model} was trained on sequences of ${length} bp.` : model.why;
    this.about.classList.toggle("caution", !model.ready);
    this.submit.disabled = !model.ready;
    this.target.replaceChildren(...model.outputs.map((output) => new Option(output, output)));
    this.target.value = model.target;
    (this.target.parentElement ?? this.target).hidden = model.outputs.length < 2;
    const boxes = model.methods.map((method) => {
      const box = element("input", { type: "checkbox", value: method.name });
      box.checked = method.prompt;
      return element("label", { title: method.about }, box, method.title);
    });
    this.methods.replaceChildren(element("legend", {}, "Tracks"), ...boxes);
    this.methods.hidden = false;
  }

  show(name: string, sequence: string): void {
    this.name = name;
    this.text.value = sequence;
  }

  private send(): void {
    if (this.submit.disabled) return;
    const header = /^>\s*(\S+)/.exec(this.text.value);
    const boxes = [...this.methods.querySelectorAll<HTMLInputElement>("input")];
    const chosen = boxes.filter((b) => b.checked).map((b) => b.value);
    const usual = this.model?.methods.filter((m) => m.prompt).map((m) => m.name) ?? [];
    const isUsual = chosen.length === usual.length && chosen.every((m) => usual.includes(m));
    const target = this.target.value === this.model?.target ? "" : this.target.value;
    this.ask({ name: header?.[1] ?? (this.name || "sequence"), sequence: this.text.value, target, methods: isUsual || !boxes.length ? null : chosen });
  }
}
