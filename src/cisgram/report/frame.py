"""The frame of a page: head, navigation, sections one below the other, style, script, policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cisgram import __version__
from cisgram.report.section import VIEWS
from cisgram.report.style import style
from cisgram.report.text import render

if TYPE_CHECKING:
    from markupsafe import Markup

HERE = Path(__file__).parent


def frame(
    sections: Sequence[Mapping[str, Any]],
    *,
    name: str,
    kind: str = "report",
    live: Mapping[str, Any] | None = None,
) -> Markup:
    """A whole page of sections that are drawn already.

    Parameters
    ----------
    sections
        Each with ``name`` (its id), ``title``, ``html`` (``None``: the step was not run), ``step``
        (the command that adds it), ``files`` (those that its numbers stand in) and ``linked``
        (those of them that the server gives); ``view`` names the view that it shares with
        others, ``job`` the job that runs its step, where there are such.
    name
        Heading and title of the page; untrusted text is allowed.
    kind
        What the page is, beside the brand.
    live
        What the script needs of the server that serves the page; ``None`` where it is mailed.
    """
    script = (HERE / "page.js").read_text(encoding="utf-8").strip()
    sheet = style()
    return render(
        "page.html",
        name=name.encode("utf-8", "replace").decode(),  # folders may be named in other bytes
        kind=kind,
        views=views(sections),
        live=live,
        script=script,
        style=sheet,
        policy=_policy(script, sheet, is_live=live is not None),
        version=__version__,
    )


def views(sections: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sections by the view that they stand in: those of `VIEWS` first, in its order.

    Examples
    --------
    >>> found = views([{"name": "motifs", "title": "Motifs"},
    ...                {"name": "data", "title": "Data", "view": "overview"}])
    >>> [(v["name"], v["title"], len(v["sections"])) for v in found]
    [('overview', 'Overview', 1), ('motifs', 'Motifs', 1)]
    """
    grouped: dict[str, list[Mapping[str, Any]]] = {name: [] for name in VIEWS}
    for section in sections:
        grouped.setdefault(section.get("view", section["name"]), []).append(section)
    return [
        {"name": name, "title": VIEWS.get(name, own[0]["title"]), "sections": own}
        for name, own in grouped.items()
        if own
    ]


def _policy(script: str, style: str, *, is_live: bool) -> str:
    """Content security policy: nothing but this very script and this very style sheet.

    A page that is served may ask the server that it came from, and nobody else.
    """
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "img-src data:",
            *(["connect-src 'self'"] if is_live else []),
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
