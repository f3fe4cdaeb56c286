// What a job is to do: the fields of its kind.

import { element, resting } from "../dom";
import type { Api } from "./api";

type Body = Record<string, string | number | null>;

const KINDS = [
  ["explain", "Explain sequences"],
  ["demix", "Demix neurons"],
  ["motifs", "Read motifs"],
  ["grammar", "Find rules of the motifs"],
  ["trust", "Check what to trust"],
] as const;

export class JobForm {
  readonly element = element("form", { class: "jobform" });
  private readonly kind = element("select", { id: "job-kind" }, ...KINDS.map(([name, title]) => new Option(title, name)));
  private readonly fields = element("div", { class: "bar" });
  private readonly method = element("select", { id: "job-method" });
  private readonly target = element("select", { id: "job-target" });
  private readonly pasted = element("textarea", { id: "job-sequences", rows: 3, spellcheck: "false", placeholder: "FASTA; empty: held-out sequences of the run" });
  private readonly layer = element("input", { id: "job-layer", placeholder: "last convolution" });
  private readonly neuron = element("input", { id: "job-neuron", placeholder: "all, or 0,3,10-20" });
  private readonly source = element("select", { id: "job-source" });
  private readonly submit = element("button", { type: "submit", class: "primary" }, "Start");
  private readonly said = element("span", { class: "about", role: "status" });
  private isStarted = false;
  private wanted = new URLSearchParams();
  private outputs: string[] = [];

  constructor(
    private readonly api: Api,
    private readonly ask: (body: Body) => Promise<void>, // never fails
  ) {
    const below = element("div", { class: "bar" }, this.submit, this.said);
    this.element.append(element("div", { class: "bar" }, labeled("New job", this.kind)), this.fields, below);
    this.kind.addEventListener("change", () => this.choose(new URLSearchParams())); // no address any more
    this.element.addEventListener("submit", (e) => {
      e.preventDefault();
      void resting(this.submit, () => this.send()); // Enter in a field does not send it then either
    });
    this.draw();
  }

  /** Asks for the job once: the server checks it on the model before it answers. */
  private async send(): Promise<void> {
    this.said.textContent = "Checking\u2026";
    await this.ask(this.body());
    this.said.textContent = "";
  }

  /** What the model offers, when the form is first looked at. */
  async start(): Promise<void> {
    if (this.isStarted) return;
    this.isStarted = true;
    try {
      const model = await this.api.model();
      this.method.replaceChildren(...model.methods.map((m) => new Option(m.title, m.name)));
      this.source.replaceChildren(...model.sources.map((name) => new Option(name.replaceAll("_", " "), name)));
      this.outputs = model.outputs;
      this.target.replaceChildren(...model.outputs.map((output) => new Option(output, output)));
      this.target.value = model.target;
      this.choose(this.wanted);
    } catch (error) {
      this.isStarted = false;
      throw error;
    }
  }

  /** Fills in what an address asks for; what it does not name stays. */
  choose(wanted: URLSearchParams): void {
    this.wanted = wanted;
    for (const name of ["kind", "method", "source", "layer", "neuron"] as const) {
      const value = wanted.get(name);
      const field = this[name];
      const isOffered = !(field instanceof HTMLSelectElement) || [...field.options].some((o) => o.value === value);
      if (value !== null && isOffered) field.value = value;
    }
    this.draw();
  }

  private draw(): void {
    const several = this.outputs.length > 1 ? [labeled("output", this.target)] : [];
    const fields: Record<string, HTMLElement[]> = {
      explain: [labeled("method", this.method), ...several, labeled("sequences", this.pasted)],
      demix: [labeled("layer", this.layer), labeled("neuron", this.neuron)],
      motifs: [labeled("source", this.source)],
    };
    this.fields.replaceChildren(...(fields[this.kind.value] ?? []));
  }

  private body(): Body {
    const kind = this.kind.value;
    if (kind === "explain") {
      return { kind, method: this.method.value, target: this.outputs.length > 1 ? this.target.value : null, sequences: this.pasted.value };
    }
    if (kind === "motifs") return { kind, source: this.source.value };
    if (kind === "demix") return { kind, layer: this.layer.value.trim(), neuron: this.neuron.value.trim() || null };
    return { kind };
  }
}

function labeled(text: string, control: HTMLElement): HTMLElement {
  return element("span", { class: "labeled" }, element("label", { for: control.id }, text), control);
}
