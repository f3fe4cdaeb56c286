"""Pages that are read off the code when the docs are built, so that they cannot go stale.

``python docs/generate.py`` prints them; ``conf.py`` writes them into ``docs/_generated``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table.

    Examples
    --------
    >>> print(table(("a", "b"), [("1", "2|3")]))
    | a | b |
    | --- | --- |
    | 1 | 2\\|3 |
    """
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(c.replace('|', chr(92) + '|') for c in r)} |" for r in lines)


def methods() -> str:
    """One row an explanation method, and what each one's paper is."""
    from cisgram.explain import METHODS
    from cisgram.report.references import reference

    yes = {True: "yes", False: "no"}
    rows = [
        (
            f"`{name}`",
            entry.summary.replace("*", r"\*"),
            entry.facts["gives"],
            entry.facts["needs"],
            yes[entry.facts["signed"]],
            yes[entry.facts["complete"]],
            reference(entry.facts["cite"]),
        )
        for name, entry in sorted(METHODS.items())
    ]
    return table(("method", "what it gives", "result", "needs", "signed", "complete", "cite"), rows)


def conventions() -> str:
    """One row a convention of reading filters."""
    from cisgram.explain import CONVENTIONS

    rows = [
        (
            f"`{name}`",
            c.sites,
            f"{c.threshold[0]} {c.threshold[1]:g}",
            f"{c.pseudocount:g}",
            str(c.min_sites),
            "" if c.max_sites is None else f"{c.max_sites:,}",
        )
        for name, c in CONVENTIONS.items()
    ]
    head = ("convention", "sites", "threshold", "pseudocount", "at least", "at most")
    return table(head, rows)


def models() -> str:
    """One row a model with its default options."""
    from cisgram.models import MODELS, create
    from cisgram.report.references import reference

    rows = [
        (
            f"`{name}`",
            entry.summary,
            entry.facts["kind"],
            f"{sum(p.numel() for p in create(name).parameters()):,}",
            str(entry.facts["min_length"]),
            ", ".join(f"{k}={v}" for k, v in entry.facts.get("regime", {}).items()),
            reference(entry.facts["cite"]),
        )
        for name, entry in sorted(MODELS.items())
    ]
    head = (
        *("model", "what it is", "kind", "parameters"),
        *("shortest sequence (bp)", "training of its own", "cite"),
    )
    return table(head, rows)


def commands() -> str:
    """The help of every command."""
    from cisgram.cli.main import cli

    parts = []
    for name, command in _commands(cli, "cisgram"):
        context = click.Context(command, info_name=name, max_content_width=88, terminal_width=88)
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix} {name}")
        elif not command.hidden:
            yield f"{prefix} {name}", command


def settings() -> str:
    """One row a setting."""
    from cisgram.steps import described

    rows = [(f"`{r['name']}`", r["about"], r["kind"], r["default"]) for r in described()]
    return table(("setting", "what it is", "kind", "default"), rows)


PAGES: dict[str, Callable[[], str]] = {
    "methods": methods,
    "conventions": conventions,
    "models": models,
    "settings": settings,
    "commands": commands,
}


def write(folder: Path) -> None:
    """Write every page; one that is unchanged is left alone, so that Sphinx skips it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        path, text = folder / f"{name}.md", make() + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name, make in PAGES.items():
        print(f"<!-- {name} -->\n{make()}\n")
