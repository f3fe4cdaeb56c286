"""Milliseconds from a key that replaces a base to tracks that are drawn again, in Chromium.

The whole way: the page, ``cisgram serve``, its model process, and back to the canvas. The clock is
that of the page, from the key to the second frame after the new prediction stands there.
``python benchmarks/bench_ask_browser.py [--changes 20] [--length 101] [--run RUN]``
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent))  # where it runs as a script

from bench_ask import NETWORKS, sequences, untrained

CHANGE = """(key) => new Promise((done) => {
    const stack = document.querySelector(".asked .stack");
    const began = performance.now();
    const drawn = () => requestAnimationFrame(() => requestAnimationFrame(
        () => { watch.disconnect(); done(performance.now() - began); }));
    const watch = new MutationObserver(drawn);
    watch.observe(stack, {childList: true});
    stack.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
})"""


def measured(page, address: str, text: str, changes: int) -> list[float]:
    """Milliseconds of each change; the positions are walked through from the left."""
    page.goto(f"{address}#ask?name=bench&sequence={text}")
    page.wait_for_selector(".predictions td", timeout=120_000)
    page.locator(".asked .stack").focus()
    page.keyboard.press("Home")
    found = []
    for i in range(changes):
        page.keyboard.press("ArrowRight")
        found.append(page.evaluate(CHANGE, "CGTA"["ACGT".index(text[i + 1])]))
    assert page.locator(".chips li").count() == changes, "a change was lost"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--length", type=int, default=101)
    parser.add_argument("--run", type=Path, help="A trained run instead of the zoo's networks.")
    options = parser.parse_args()
    text = sequences(options.length, 1)[0]
    print(f"{options.changes} bases of {options.length} bp replaced, one after the other")
    print("network              p50 ms   p95 ms")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        runs = [options.run] if options.run else []
        runs = runs or [untrained(Path(name), n, options.length).path for n in NETWORKS]
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for run in runs:
            command = [sys.executable, "-m", "cisgram", "serve", str(run), "--port", "0", "--json"]
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as server:
                # bypass_csp: the clock is read by a script that is not the page's
                context = browser.new_context(bypass_csp=True)
                page = context.new_page()
                page.goto(json.loads(server.stdout.readline())["link"])
                ms = measured(page, page.url, text, options.changes)
                context.close()
                server.send_signal(signal.SIGINT)
            p50, p95 = np.percentile(ms, [50, 95])
            print(f"{run.name:<18} {p50:8.0f} {p95:8.0f}")
        browser.close()


if __name__ == "__main__":
    main()
