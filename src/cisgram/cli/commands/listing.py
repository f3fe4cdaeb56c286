"""``list``: what there is, read from the registries."""

from __future__ import annotations

import click

from cisgram.cli.shared import JSON, print_json

WHAT = ("models", "methods", "conventions", "datasets", "motifs", "settings")


@click.command(name="list")
@click.argument("what", type=click.Choice(WHAT))
@JSON
def list_(what: str, as_json: bool) -> None:
    """Show what there is, with a line on each."""
    rows = {
        "models": _models,
        "methods": _methods,
        "conventions": _conventions,
        "datasets": _datasets,
        "motifs": _motifs,
        "settings": _settings,
    }[what]()
    if as_json:
        print_json(rows)
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        click.echo(f"{row['name']:<{width}}  {row['about']}")


def _models() -> list[dict[str, str]]:
    from cisgram.models import MODELS

    return [{"name": name, "about": entry.summary} for name, entry in sorted(MODELS.items())]


def _methods() -> list[dict[str, str]]:
    from cisgram.explain import METHODS
    from cisgram.steps.method_options import plain_options

    return [
        {
            "name": name,
            "about": entry.summary,
            "gives": entry.facts["gives"],
            "options": ", ".join(f"{k}={v}" for k, v in plain_options(name).items()),
        }
        for name, entry in sorted(METHODS.items())
    ]


def _conventions() -> list[dict[str, str]]:
    from cisgram.explain import CONVENTIONS

    return [
        {
            "name": name,
            "about": f"{c.sites} sites, threshold {c.threshold[0]} {c.threshold[1]:g}, "
            f"pseudocount {c.pseudocount:g}, at least {c.min_sites} sites",
        }
        for name, c in CONVENTIONS.items()
    ]


def _datasets() -> list[dict[str, str]]:
    from cisgram.steps import DATASETS

    return [
        {"name": name, "about": f"{entry.facts['origin']}; {entry.facts['use']}"}
        for name, entry in sorted(DATASETS.items())
    ]


def _motifs() -> list[dict[str, str]]:
    from cisgram.motifs import TAXA, jaspar

    return [
        {"name": f"jaspar:{taxon}", "about": f"{len(jaspar(taxon))} matrices, JASPAR CORE"}
        for taxon in TAXA
    ]


def _settings() -> list[dict[str, str]]:
    from cisgram.steps import described

    return [
        row | {"about": "; ".join(filter(None, (row["about"], row["kind"], _default(row))))}
        for row in described()
    ]


def _default(row: dict[str, str]) -> str:
    return f"default {row['default']}" if row["default"] else ""
