"""The page of 500 sequences of 2 kb under two methods, in Chromium: bytes, start, frames.

The run is made up: background scores of a normal distribution, and in each sequence three sites
ten times as strong, as in-silico mutagenesis (all four bases) and as gradient x input (the base
that is there) would have them. What is drawn is checked before it is timed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from cisgram import report
from cisgram.core import config, files
from cisgram.core.run import Run

FRAMES = 60
SITE = 12
LIMITS = {"MB": 5.0, "s until a sequence is drawn": 1.5, "ms a frame": 33.0}

# Moves the window a little and waits for the next frame; the time between two callbacks is what
# a reader sees, with layout, drawing and painting in it.
MOVE = """async ([selector, keys, frames]) => {
    const stack = document.querySelector(selector);
    const next = () => new Promise((done) => requestAnimationFrame(done));
    const press = (i) => stack.dispatchEvent(new KeyboardEvent("keydown", keys[i % keys.length]));
    const took = [];
    press(0);
    await next();
    let before = await next();
    for (let i = 0; i < frames; i++) {
        press(i + 1);
        const now = await next();
        took.push(now - before);
        before = now;
    }
    return took;
}"""
# The script's own work in a frame, without the waiting for the screen.
WORK = """async ([selector, keys, frames]) => {
    const stack = document.querySelector(selector);
    const took = [];
    const real = window.requestAnimationFrame;
    let drawn = null;
    window.requestAnimationFrame = (act) => { drawn = act; return 1; };
    for (let i = 0; i < frames; i++) {
        drawn = null;
        const start = performance.now();
        stack.dispatchEvent(new KeyboardEvent("keydown", keys[i % keys.length]));
        if (drawn) drawn(performance.now());
        took.push(performance.now() - start);
    }
    window.requestAnimationFrame = real;
    return took;
}"""
RIGHT, LEFT = ({"key": f"Arrow{way}", "shiftKey": True} for way in ("Right", "Left"))
KEYS: dict[str, tuple[int, list[dict[str, Any]]]] = {
    "pan, 1,250 of 2,000 bases": (1, [RIGHT, LEFT]),
    "zoom, 1,250 and 2,000 bases": (0, [{"key": "+"}, {"key": "-"}]),
    "pan, 305 bases as letters": (4, [RIGHT, LEFT]),
    "pan, 119 bases as letters": (6, [RIGHT, LEFT]),
}


def make_run(folder: Path, *, n: int = 500, length: int = 2000) -> Run:
    """A run with two methods and nothing else."""
    rng = np.random.default_rng(0)
    x = np.eye(4, dtype=np.int8)[rng.integers(0, 4, (n, length))].transpose(0, 2, 1).copy()
    values = rng.normal(0, 0.02, (n, 4, length)).astype(np.float32)
    for i in range(n):
        for at in rng.integers(0, length - SITE, 3).tolist():
            values[i, :, at : at + SITE] += rng.normal(0, 0.4, (4, SITE)).astype(np.float32)
    ism = values - (values * x).sum(1, keepdims=True)
    rows = "".join(f"peak_{i}\t{i % 2}\t{rng.normal():.4f}\n" for i in range(n))
    for name, array in (("ism", ism), ("gradient_x_input", values * x)):
        target = folder / "explain" / name
        target.mkdir(parents=True)
        save_file({"values": array, "x": x}, target / "values.safetensors")
        files.write_text(target / "names.tsv", f"name\tlabel\tscore\n{rows}")
        config.write_toml(target / "options.toml", {"target": 0, "units": "logit"})
    config.write_toml(folder / "run.toml", {"command": "benchmark", "settings": {"seed": 0}})
    return Run(folder)


def measure(page_file: Path) -> dict[str, Any]:
    """Seconds until a sequence is drawn, ms a frame of each move."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise SystemExit("no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        starts = []
        for _ in range(3):
            page.goto("about:blank")
            page.goto(f"{page_file.as_uri()}#sequences", wait_until="commit")
            page.wait_for_selector("#viewer .lane canvas[aria-label*='strongest']")
            starts.append(page.evaluate("performance.now()") / 1000)
        assert page.locator("#viewer .lane").count() == 3, "two methods and where they disagree"
        page.select_option("#viewer select[aria-label^='What is drawn']", "both")
        frames, work = {}, {}
        for name, (zooms, keys) in KEYS.items():
            page.click("#viewer button:has-text('Whole')")
            page.focus("#viewer .stack")
            for _ in range(zooms):
                page.keyboard.press("+")
            page.wait_for_timeout(300)
            asked = ["#viewer .stack", keys, FRAMES]
            frames[name], work[name] = page.evaluate(MOVE, asked), page.evaluate(WORK, asked)
        browser.close()
    return {"start": starts, "frames": frames, "work": work}


def main(n: int = 500, length: int = 2000) -> dict[str, Any]:
    """Print each figure beside its limit; give what was measured."""
    with tempfile.TemporaryDirectory() as folder:
        page = report.write(make_run(Path(folder) / "run", n=n, length=length))
        megabytes = page.stat().st_size / 1e6
        found = measure(page)
    start = statistics.median(found["start"])
    load = os.getloadavg()[0]
    print(f"{n} sequences x {length:,} bp, two methods; {os.cpu_count()} cores, load {load:.1f}")
    print(f"{'page':<34} {megabytes:8.2f} MB      limit {LIMITS['MB']:g}")
    print(f"{'until a sequence is drawn':<34} {start:8.2f} s       limit 1.5")
    for name, took in found["frames"].items():
        work = found["work"][name]
        median, slow = statistics.median(took), float(np.percentile(took, 95))
        own = f"own work {statistics.median(work):5.1f} ms"
        print(f"{name:<34} {median:8.1f} ms, 95 % below {slow:.1f}; {own}      limit 33")
    return {"MB": megabytes, **found}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--length", type=int, default=2000)
    arguments = parser.parse_args()
    main(arguments.n, arguments.length)
