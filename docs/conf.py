"""Sphinx: MyST pages, furo, and tables that are generated from the registries."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import generate

import cisgram

project = "cisgram"
author = "The cisgram developers"
copyright = f"2026, {author}"
release = version = cisgram.__version__
extensions = ["myst_parser", "sphinx.ext.mathjax"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_generated", "benchmarks/*", "Thumbs.db"]
html_theme = "furo"
html_title = "cisgram"
suppress_warnings: list[str] = []

generate.write(HERE / "_generated")
