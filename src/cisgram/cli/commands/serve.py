"""``serve``."""

from __future__ import annotations

import json
import threading
import webbrowser
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
@click.option("--open", "open_browser", is_flag=True, help="Open the browser of this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print each link as a line of JSON.")
def serve(
    runs: tuple[Path, ...],
    port: int | None,
    host: str,
    allow_remote: bool,
    open_browser: bool,
    as_json: bool,
) -> None:
    """See and question runs in a browser, until Ctrl-C.

    The link that is printed lets one browser in, once; a new one is printed when it was used.
    """
    from cisgram.dashboard import start
    from cisgram.dashboard.handover import handed_over

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
            if open_browser:
                try:
                    page = handed.enter_context(handed_over(link)).as_uri()
                except OSError as error:
                    say(f"No browser is started: it needs a file for temporary use ({error}).")
                    return
                # a browser of the terminal would hold up the server for as long as it is open
                threading.Thread(target=webbrowser.open, args=[page], daemon=True).start()

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
