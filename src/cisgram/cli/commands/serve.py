"""``serve``."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import click

from cisgram.cli.shared import say


@click.command()
@click.argument("runs", type=click.Path(path_type=Path), metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="0: any free one.  [default: 8765, or the next free one]",
)
@click.option(
    "--host",
    metavar="H",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen at; another than this machine's own needs --allow-remote.",
)
@click.option(
    "--allow-remote",
    is_flag=True,
    help="Let other machines reach it. Nothing is encrypted: whoever listens in reads all of it.",
)
@click.option("--open", "is_opened", is_flag=True, help="Open the browser of this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print each link as a line of JSON.")
def serve(
    runs: tuple[Path, ...],
    port: int | None,
    host: str,
    allow_remote: bool,
    is_opened: bool,
    as_json: bool,
) -> None:
    """See and question runs in a browser, until Ctrl-C.

    The link that is printed lets one browser in, once; a new one is printed when it was used.
    """
    from cisgram.dashboard import start
    from cisgram.dashboard.handover import open_browser

    with (
        start(runs, host=host, port=port, allow_remote=allow_remote) as dashboard,
        ExitStack() as handed,
    ):

        def show(link: str) -> None:
            if as_json:
                click.echo(json.dumps({"link": link, "port": dashboard.bound.port}))
            else:
                click.echo(link)

        def first(link: str) -> None:
            say(f"Serving {len(runs)} {'run' if len(runs) == 1 else 'runs'}; Ctrl-C ends it. Open:")
            show(link)
            if is_opened:
                try:
                    handed.enter_context(open_browser(link))
                except OSError as error:
                    say(f"No browser is started: it needs a file for temporary use ({error}).")

        def next_one(link: str) -> None:
            handed.close()
            say("That link has been used. For another browser:")
            show(link)

        def end(jobs: list[str]) -> None:
            handed.close()
            if jobs:
                say(_ended(jobs))

        dashboard.answer(on_start=first, on_login=next_one, on_end=end)
    say("Stopped.")


def _ended(jobs: list[str]) -> str:
    """Which jobs end with the server, and how they go on."""
    what, they = ("job ends", "it goes") if len(jobs) == 1 else ("jobs end", "each goes")
    return (
        f"{len(jobs)} {what} with the server: {'; '.join(jobs)}. Serve the run again and choose "
        f"Resume in the view Jobs: {they} on where it was."
    )
