// Views of the page: one is shown at a time, named by the address: #VIEW or #VIEW?key=value&...
// Without scripts, and on paper, all stand one below the other.

import { element } from "./dom";

type Act = (params: URLSearchParams) => void;

interface Tab {
  title: string;
  body: HTMLElement;
  link: HTMLAnchorElement;
}

const WAIT = 200; // ms; browsers refuse addresses that change too often
const tabs = new Map<string, Tab>();
const acts = new Map<string, Act[]>();
let current = "";
let arrived = new URLSearchParams();
let isStarted = false;
let waiting = 0;
let title = document.title;

/** The view and its parameters that an address names. */
export function parse(hash: string): { name: string; params: URLSearchParams } {
  const [name = "", ...query] = hash.replace(/^#/, "").split("?");
  try {
    return { name: decodeURIComponent(name), params: new URLSearchParams(query.join("?")) };
  } catch {
    return { name: "", params: new URLSearchParams() }; // no address of ours: a broken escape
  }
}

export function address(name: string, params: URLSearchParams): string {
  const query = params.toString();
  return `#${encodeURIComponent(name)}${query ? `?${query}` : ""}`;
}

/** Calls back whenever a view is arrived at, also when only its parameters are new. */
export function onShow(name: string, act: Act): void {
  acts.set(name, [...(acts.get(name) ?? []), act]);
  if (isStarted && current === name) act(arrived);
}

/** Adds a view with a tab of its own; without a heading it gets its title as one. */
export function registerView(name: string, heading: string, body: HTMLElement): void {
  if (!body.querySelector("h2")) body.prepend(element("h2", {}, heading));
  body.classList.add("view");
  body.dataset.view = name;
  if (!body.isConnected) document.querySelector("main")?.append(body);
  const link = element("a", { href: `#${encodeURIComponent(name)}`, "data-view": name }, heading);
  document.querySelector("nav.tabs ul")?.append(element("li", {}, link));
  tabs.set(name, { title: heading, body, link });
  if (isStarted) arrive();
}

/** Writes what a view shows into the address, so that a link or a reload brings it back. */
export function record(name: string, params: URLSearchParams): void {
  const hash = address(name, params);
  const tab = tabs.get(name);
  if (tab) tab.link.href = hash; // the way back to the view leads to what it showed
  if (name !== current) return;
  arrived = params;
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (name === current && location.hash !== hash) history.replaceState(history.state, "", hash);
  }, WAIT);
}

/** The address of what is shown, with what is not written into the bar yet. */
export function here(): string {
  const isAnchor = location.hash !== "" && parse(location.hash).name !== current;
  const hash = !current || isAnchor ? location.hash : address(current, arrived);
  return location.href.replace(/#.*$/s, "") + hash;
}

export function startRouting(): void {
  for (const body of document.querySelectorAll<HTMLElement>(".view")) {
    const name = body.dataset.view ?? "";
    const link = document.querySelector<HTMLAnchorElement>(`nav.tabs a[data-view="${CSS.escape(name)}"]`);
    if (link && !tabs.has(name)) tabs.set(name, { title: link.textContent ?? name, body, link });
  }
  title = document.title;
  isStarted = true;
  document.querySelector<HTMLElement>(".skip")?.addEventListener("click", (e) => {
    e.preventDefault();
    focusHeading();
  });
  if (tabs.size === 0) return;
  addEventListener("hashchange", () => arrive());
  arrive();
}

function arrive(): void {
  const { name, params } = parse(location.hash);
  const anchor = tabs.has(name) ? null : document.getElementById(name);
  const around = anchor?.closest<HTMLElement>(".view")?.dataset.view;
  const view = tabs.has(name) ? name : (around ?? first());
  const before = current;
  arrived = tabs.has(name) ? params : new URLSearchParams();
  turnTo(view);
  for (const act of acts.get(view) ?? []) act(arrived);
  if (anchor && around) reveal(anchor);
  else if (before && before !== view) {
    scrollTo({ top: 0, behavior: "instant" });
    focusHeading();
  }
}

/** The view whose tab stands first: where an address leads that names none. */
function first(): string {
  return document.querySelector<HTMLElement>("nav.tabs a[data-view]")?.dataset.view ?? "";
}

function turnTo(view: string): void {
  current = view;
  for (const [name, { body, link, title: heading }] of tabs) {
    const isCurrent = name === view;
    body.classList.toggle("current", isCurrent);
    if (!isCurrent) {
      link.removeAttribute("aria-current");
      continue;
    }
    link.setAttribute("aria-current", "page");
    const strip = link.closest("ul");
    if (strip && strip.scrollWidth > strip.clientWidth) strip.scrollLeft = link.offsetLeft - strip.offsetLeft - 16;
    document.title = name === first() ? title : `${heading} \u00b7 ${title}`;
  }
}

/** Opens what an anchor lies in, and goes there. */
function reveal(anchor: HTMLElement): void {
  for (let e: Element | null = anchor; e; e = e.parentElement) if (e instanceof HTMLDetailsElement) e.open = true;
  anchor.scrollIntoView();
  if (!anchor.hasAttribute("tabindex")) anchor.tabIndex = -1;
  anchor.focus({ preventScroll: true });
}

function focusHeading(): void {
  const heading = document.querySelector<HTMLElement>(".view.current h2") ?? document.querySelector<HTMLElement>("main h2");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}
