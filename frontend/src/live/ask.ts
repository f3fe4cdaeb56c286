// The view "ask": a sequence, what the model says of it, and what it says when it is changed.

import { element, save } from "../dom";
import { BASES } from "../letters";
import { positionOn } from "../moves";
import { labels, type Payload, readPayload, Store } from "../payload";
import { onShow, record, registerView } from "../route";
import { LEFT, RIGHT } from "../track";
import { Viewer } from "../viewer";
import { type Answer, type Api, type PaletteMotif, pageName, paragraph } from "./api";
import { AskForm } from "./askform";
import { applied, type Edit, fromText, History, type MotifEdit, placed, toText, withBase } from "./edits";
import { EditList } from "./editlist";
import { Newest } from "./newest";
import { Palette } from "./palette";
import { BasePicker } from "./pick";
import { predictionTable, sentence } from "./predictions";
import { Status } from "./status";
import { Strip } from "./strip";

const NAME = "ask";
const WAIT = 40; // ms that a change waits for the next one
const MOST_SAID = 5; // changes that are named where more were left out

/** A sequence that is asked about, and everything that was changed in it. */
interface Question {
  name: string;
  sequence: string;
  target: string;
  methods: string[] | null; // null: as the model comes
}

export class AskView {
  private readonly body = element("section", { class: "live", "aria-labelledby": "ask-title" });
  private readonly status = new Status();
  private readonly form: AskForm;
  private readonly results = element("div", { hidden: true });
  private readonly predictions = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Predictions" });
  private readonly note = element("p", { class: "caution", hidden: true });
  private readonly panel = element("div", { class: "viewer asked" });
  private readonly strip: Strip;
  private readonly list: EditList;
  private readonly palette: Palette;
  private readonly picker: BasePicker;
  private readonly asking = new Newest<Answer>(WAIT);
  private readonly page = pageName();
  private viewer: Viewer | null = null;
  private question: Question | null = null;
  private history = new History<Edit[]>([]);
  private before: Answer | null = null; // of the sequence as given
  private now: Answer | null = null;
  private answered = ""; // the changes that `now` is the answer for, as text
  private leftOut = ""; // said of changes that came along and have no place
  private isStarted = false;

  constructor(private readonly api: Api) {
    this.form = new AskForm(api, (asked) => this.begin({ ...asked }));
    this.strip = new Strip({
      move: (index, at, isSame) => this.move(index, at, isSame),
      remove: (index) => this.remove(index),
      turn: (index) => this.turn(index),
      leave: () => this.viewer?.stack.focus({ preventScroll: true }),
    });
    this.list = new EditList({
      undo: () => this.history.undo() && this.changed(),
      redo: () => this.history.redo() && this.changed(),
      reset: () => this.to([]),
      remove: (index) => this.remove(index),
      turn: (index) => this.turn(index),
      move: (index, by) => this.move(index, (this.history.now[index]?.at ?? 0) + by, false),
      download: () => this.download(),
    });
    this.palette = new Palette({
      over: (x, y, width) => this.over(x, y, width),
      drop: (motif, isForward, x, y) => {
        const at = this.positionAt(x, y);
        if (at !== null) this.insert(motif, isForward, Math.round(at - motif.letters.length / 2));
      },
      insert: (motif, isForward, at) => this.insert(motif, isForward, at + this.offset, true),
    });
    const heading = element("h2", { id: "ask-title" }, "Ask the model");
    const tracks = element("div", { class: "tracks" }, this.strip.element, this.panel);
    this.picker = new BasePicker(tracks, (position, base) => this.put(position, base));
    const motifs = element("details", { open: true, class: "at-hand" }, element("summary", {}, "Motifs of this run"), this.palette.element);
    const top = element("div", { class: "asked-top" }, this.predictions, this.list.element);
    this.results.append(this.note, top, motifs, tracks);
    this.body.append(heading, this.form.element, this.status.element, this.results);
    this.body.addEventListener("keydown", (e) => this.key(e));
    registerView(NAME, "Ask", this.body);
    onShow(NAME, (params) => this.arrive(params));
  }

  private get offset(): number {
    return this.now?.offset ?? 0;
  }

  private get edited(): string {
    return applied(this.question?.sequence ?? "", this.history.now);
  }

  /** What an address names: a sequence and its changes, or a sequence of the run by its name. */
  private arrive(params: URLSearchParams): void {
    void this.start();
    const name = params.get("name") ?? "";
    const text = params.get("sequence") ?? "";
    const methods = params.get("methods");
    const changes = params.get("edits") ?? "";
    const asked = { name: name || "sequence", target: params.get("target") ?? "", methods: methods === null ? null : methods.split(",") };
    if (text) {
      const sequence = cleaned(text);
      const { edits } = fromText(changes, sequence.length);
      if (sequence !== this.question?.sequence || toText(edits) !== toText(this.history.now)) {
        this.form.show(name, text);
        void this.begin({ ...asked, sequence: text }, changes);
      } else if (this.results.hidden) this.changed(); // back from a question that had no answer
    } else if (name) void this.take(name, asked, changes);
  }

  /** Facts of the model and its motifs, when the view is first looked at. */
  private async start(): Promise<void> {
    if (this.isStarted) return;
    this.isStarted = true;
    this.form.names(labelsOf(readPayload()));
    try {
      const [facts, found] = await Promise.all([this.api.model(), this.api.get<{ motifs: PaletteMotif[] }>("motifs")]);
      this.form.facts(facts);
      this.palette.show(found.motifs);
    } catch (error) {
      this.isStarted = false;
      this.status.fail(error);
    }
  }

  /** A sequence that the page shows, by its name, with the changes of an address. */
  private async take(name: string, asked: Omit<Question, "sequence">, changes: string): Promise<void> {
    const sequence = await lettersOf(readPayload(), name);
    if (sequence === null) {
      this.refuse(`The page shows no sequence named ${name}. Type or paste one.`);
      return;
    }
    this.form.show(name, sequence);
    await this.begin({ ...asked, sequence }, changes);
  }

  /** Asks about a sequence as given, then with the changes that an address has; what has no place is said. */
  private async begin(question: Question, changes = ""): Promise<void> {
    this.status.wait("The model is asked\u2026");
    const body = { ...question, target: question.target || null, client: this.page };
    const first = await this.asking.ask((signal) => this.api.post<Answer>("ask", body, signal), (error) => this.refuse(paragraph(error)));
    if (!first) return;
    const sequence = cleaned(question.sequence);
    this.question = { ...question, sequence };
    this.before = this.now = first;
    this.answered = "";
    const { edits, left } = fromText(changes, sequence.length);
    this.leftOut = saidOfLeftOut(left, sequence.length);
    this.history = new History(edits);
    await this.draw(first);
    this.viewer?.compareWith({ name: "the sequence as given", scored: this.viewer.scored() }, false);
    if (edits.length) this.changed();
    else this.told();
  }

  /** Says why a new question has no answer; that of the question before is not shown under it. */
  private refuse(why: string): void {
    this.status.say(why, true);
    this.results.hidden = true;
  }

  private to(edits: Edit[], isSameGesture = false): void {
    if (toText(edits) === toText(this.history.now)) return;
    this.history.to(edits, isSameGesture);
    this.changed();
  }

  /** After the changes have changed: shown at once, and the model asked about the newest. */
  private changed(): true {
    this.told();
    void this.askAgain();
    return true;
  }

  private async askAgain(): Promise<void> {
    const { question } = this;
    if (!question) return;
    this.status.wait("The model is asked about your change\u2026");
    const edits = toText(this.history.now);
    const body = { ...question, sequence: this.edited, target: question.target || null, client: this.page };
    const found = await this.asking.ask((signal) => this.api.post<Answer>("ask", body, signal), (error) => this.status.fail(error));
    if (!found) return;
    this.now = found;
    this.answered = edits;
    await this.draw(found);
    this.told();
  }

  private async draw(answer: Answer): Promise<void> {
    this.results.hidden = false;
    const store = new Store(answer.payload);
    if (this.viewer) await this.viewer.renew(store, answer.payload);
    else {
      this.viewer = new Viewer(this.panel, store, answer.payload, {
        prefix: "ask-",
        pick: (position) => this.pick(position),
        changed: () => this.showStrip(),
      });
      await this.viewer.open(0);
    }
    this.status.tell(sentence(this.before?.predictions ?? [], this.before === answer ? null : answer.predictions, answer.target));
  }

  /** Everything beside the tracks: predictions, the list of changes, the address. */
  private told(): void {
    const { before, now, question } = this;
    if (!before || !now || !question) return;
    const edits = this.history.now;
    const isCurrent = toText(edits) === this.answered;
    this.panel.setAttribute("aria-busy", String(!isCurrent));
    this.note.textContent = [this.leftOut, now.note].join(" ").trim();
    this.note.hidden = !this.note.textContent;
    this.predictions.replaceChildren(predictionTable(before.predictions, !edits.length ? null : isCurrent ? now.predictions : [], now.target));
    this.list.show(question.sequence, edits, this.history, this.offset);
    this.showStrip();
    const params = new URLSearchParams({ name: question.name, sequence: question.sequence });
    if (edits.length) params.set("edits", toText(edits));
    if (question.target) params.set("target", question.target);
    if (question.methods) params.set("methods", question.methods.join(","));
    record(NAME, params);
  }

  private showStrip(): void {
    const shown = this.viewer?.shown();
    this.strip.show(this.history.now, shown ? { from: shown.from, to: shown.to } : null, this.offset);
    const window = this.viewer?.place.window;
    if (window) this.palette.suggest(Math.round(window.start + window.span / 2));
  }

  private pick(position: number): void {
    const at = position + this.offset;
    const base = this.edited[at];
    const { viewer } = this;
    const window = viewer?.place.window;
    if (!base || !viewer || !window) return; // an N that was put around the sequence
    const host = viewer.stack.getBoundingClientRect();
    const tracks = (this.panel.parentElement ?? this.panel).getBoundingClientRect();
    const x = host.left + LEFT + ((position + 0.5 - window.start) / window.span) * (host.width - LEFT - RIGHT);
    this.picker.open(position, position, base, x - tracks.left, host.top - tracks.top - 6);
  }

  private put(position: number, base: string): void {
    if (this.question) this.to(withBase(this.question.sequence, this.history.now, position + this.offset, base));
  }

  /** A letter on the tracks is put where the cursor is; Ctrl + Z and Y anywhere in the view. */
  private key(event: KeyboardEvent): void {
    if (this.results.hidden || (event.target instanceof Element && event.target.closest("input, textarea, select"))) return;
    const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey;
    const letter = event.key.toUpperCase();
    const at = this.viewer?.place.position ?? null;
    if (isCommand && letter === "Z" && !event.shiftKey) this.history.undo() && this.changed();
    else if (isCommand && (letter === "Y" || letter === "Z")) this.history.redo() && this.changed();
    else if (!isCommand && event.target === this.viewer?.stack && at !== null && letter.length === 1 && BASES.includes(letter)) this.put(at, letter);
    else return;
    event.preventDefault();
  }

  /** The position of the sequence as given under a point of the screen. */
  private positionAt(x: number, y: number): number | null {
    const stack = this.viewer?.stack;
    const window = this.viewer?.place.window;
    const box = this.panel.parentElement?.getBoundingClientRect();
    if (!stack || !window || !box || x < box.left || x > box.right || y < box.top || y > box.bottom) return null;
    return positionOn(stack, window, x) + this.offset;
  }

  private over(x: number, y: number, width: number): boolean {
    const fits = this.positionAt(x, y) !== null && width <= this.edited.length;
    this.panel.classList.toggle("taking", fits);
    return fits;
  }

  private insert(motif: PaletteMotif, isForward: boolean, at: number, isTyped = false): void {
    const { length } = this.edited;
    if (!this.question) return;
    const name = motif.target || motif.name;
    if (motif.letters.length > length) {
      this.palette.tell(`${name} has ${motif.letters.length} bp and does not fit into the ${length} bp of the sequence.`);
      return;
    }
    const edit = placed({ kind: "motif", at, letters: motif.letters, isForward, name }, at, length);
    this.palette.tell(isTyped ? saidOfPlace(edit, Math.round(at), length, this.offset) : ""); // of a dragged one it is seen
    const edits = [...this.history.now, edit];
    this.to(edits);
    this.strip.focus(edits.length - 1);
  }

  private move(index: number, at: number, isSameGesture: boolean): void {
    this.replace(index, (edit) => placed(edit, at, this.edited.length), isSameGesture);
  }

  private turn(index: number): void {
    this.replace(index, (edit) => ({ ...edit, isForward: !edit.isForward }), false);
  }

  private replace(index: number, change: (edit: MotifEdit) => MotifEdit, isSameGesture: boolean): void {
    const edits = this.history.now.map((edit, i) => (i === index && edit.kind === "motif" ? change(edit) : edit));
    this.to(edits, isSameGesture);
  }

  private remove(index: number): void {
    this.to(this.history.now.filter((_, i) => i !== index));
  }

  private download(): void {
    const { question } = this;
    if (!question) return;
    const edits = this.history.now.length ? ` edits=${toText(this.history.now)}` : "";
    const name = question.name.replace(/[\r\n]+/g, " ");
    save(`${question.name}.fa`, "text/x-fasta", `>${name}${edits}\n${(this.edited.match(/.{1,80}/g) ?? []).join("\n")}\n`);
  }
}

/** That a motif was not put where it was asked for, and why; nothing where it was. */
function saidOfPlace({ name, letters, at }: MotifEdit, asked: number, length: number, offset: number): string {
  if (asked === at) return "";
  const [first, last] = [-offset, length - letters.length - offset];
  const why = asked < at ? `lies before the sequence, which begins at ${first}` : `is too far right: of ${length} bp, ${last} is the last that leaves room for ${letters.length} bp`;
  return `Position ${asked - offset} ${why}. ${name} was put in at ${at - offset}.`;
}

/** That changes of an address were left out, and which; nothing where there are none. */
function saidOfLeftOut(changes: string[], length: number): string {
  if (!changes.length) return "";
  const more = changes.length - MOST_SAID;
  const named = changes.slice(0, MOST_SAID).map((text) => text.slice(0, 60)).join(", ");
  const which = more > 0 ? `${named} and ${more} more` : named;
  return `Changes that the link asks for are left out: ${which}. The sequence has ${length} bp, and a change is a base or a motif inside it, as G12 or CACGTG@30+.`;
}

/** Letters as the server reads them: without header and blanks, U as T, other codes as N. */
function cleaned(text: string): string {
  const lines = text.split(/\r?\n/).filter((line) => !line.startsWith(">"));
  return lines.join("").replace(/\s+/g, "").toUpperCase().replaceAll("U", "T").replace(/[^ACGT]/g, "N");
}

function labelsOf(payload: Payload | null): string[] {
  return payload ? labels(payload) : [];
}

async function lettersOf(payload: Payload | null, name: string): Promise<string | null> {
  const row = labelsOf(payload).indexOf(name);
  if (!payload || row < 0) return null;
  const store = new Store(payload);
  const method = store.methodsOf(row)[0];
  if (!method) return null;
  const { codes } = await store.sequence(row, method);
  return Array.from(codes, (code) => BASES[code] ?? "N").join("");
}
