"""A login link handed to the browser of this machine, where no other user can read it."""

from __future__ import annotations

import html
import os
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={link}">
<title>cisgram</title>
<p><a href="{link}">Go on to cisgram</a>, if that does not happen by itself.
"""


@contextmanager
def handed_over(link: str) -> Iterator[Path]:
    """A page that leads to a link, for this user alone; it is deleted when the block ends.

    What a browser is started with is seen by every user of the machine (``ps``), and a link holds
    a token: the name of this file may be seen, its content not.
    """
    with tempfile.TemporaryDirectory(prefix="cisgram-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "login.html"
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as handle:
            handle.write(PAGE.format(link=html.escape(link)))
        yield path


@contextmanager
def open_browser(link: str) -> Iterator[None]:
    """Open a link in the browser of this machine; its file is deleted when the block ends.

    Raises
    ------
    OSError
        When there is no room for the file; no browser is started then.
    """
    with handed_over(link) as path:
        # a browser of the terminal would hold up the server for as long as it is open
        threading.Thread(target=webbrowser.open, args=[path.as_uri()], daemon=True).start()
        yield
