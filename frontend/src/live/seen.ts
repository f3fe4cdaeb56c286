// What a view says of the jobs that fill it, looked at again and again while somebody sees the view.

import { onShow } from "../route";
import type { Job } from "./api";

/** Calls `look` while a view is seen, each time after the pause (ms) that the last call gave; after
 * `idle`, where it failed: what is shown stays while the server is gone. */
export function whileSeen(view: string, section: Element, idle: number, look: () => Promise<number>): void {
  let timer = 0;
  let isLooking = false;
  const watch = async () => {
    clearTimeout(timer);
    const isSeen = section.closest(".view")?.classList.contains("current") && !document.hidden;
    if (!isSeen || isLooking) return;
    isLooking = true;
    const pause = await look().catch(() => idle);
    isLooking = false;
    timer = setTimeout(() => void watch(), pause);
  };
  onShow(view, () => void watch());
  document.addEventListener("visibilitychange", () => void watch());
}

/** Jobs whose result is seen on a view. */
export function jobsOf(view: string, jobs: Job[]): Job[] {
  return jobs.filter((job) => job.result.startsWith(`#${view}`));
}

/** The one at work, else the next one. */
export function openOf(jobs: Job[]): Job | null {
  return jobs.find((job) => job.state === "running") ?? jobs.find((job) => job.state === "waiting") ?? null;
}

export function saidOf(job: Job): string {
  return job.state === "waiting" ? `A job waits for its turn: ${job.title}.` : `A job is at work: ${job.title}.`;
}
