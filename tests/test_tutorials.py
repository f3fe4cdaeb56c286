"""The tutorials: every Python session in them runs and answers as they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).resolve().parent.parent / "docs" / "tutorials"
FENCE, RUN = "```", "```pycon"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def sessions(text: str) -> str:
    """The lines inside blocks marked ``pycon``; all others empty, so that line numbers stay."""
    kept, is_inside = [], False
    for line in text.splitlines():
        if line.startswith(FENCE):
            is_inside = line.strip() == RUN
            kept.append("")
        else:
            kept.append(line if is_inside else "")
    return "\n".join(kept) + "\n"


def failures(text: str, name: str) -> str:
    """What the sessions of a page answer otherwise than it says; run in order, in one namespace."""
    test = doctest.DocTestParser().get_doctest(sessions(text), {}, name, name, 0)
    assert test.examples, f"{name} has no session"
    said: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=said.append)
    return "".join(said)


def with_sessions() -> list[Path]:
    return [page for page in sorted(TUTORIALS.glob("*.md")) if RUN in page.read_text("utf-8")]


def test_the_tutorial_of_explanations_has_sessions() -> None:
    assert TUTORIALS / "explain.md" in with_sessions()


@pytest.mark.parametrize("page", with_sessions(), ids=lambda page: page.stem)
def test_what_a_tutorial_shows_is_what_python_answers(page: Path) -> None:
    assert failures(page.read_text("utf-8"), page.name) == ""


def test_a_wrong_answer_in_a_page_is_found_with_its_line() -> None:
    first, second = "```pycon\n>>> a = 2\n```\n", "```pycon\n>>> a + a\n5\n```\n"
    page = f"Text.\n\n```python\nnot run\n```\n\n{first}\n{second}"
    assert 'File "page.md", line 12' in failures(page, "page.md")
    assert failures(page.replace("5", "4"), "page.md") == ""
