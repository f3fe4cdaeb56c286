"""Hostile names that come in by a user's own files, through the real steps onto the page."""

from pathlib import Path

import pytest

import planted
from browser import chromium
from cisgram import io, report
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.train import metrics
from cli.running import OPTIONS, cisgram
from hostile import BREAKING, HOSTILE
from report.test_hostile import check_is_text, wander, watched

__all__ = ["chromium"]

IDS = tuple(dict.fromkeys(s.replace(" ", "/") for s in HOSTILE))
"""FASTA ids end at a blank; a slash does for HTML what the blank did."""
FILE = "<img src=x onerror=window.__hit=1>.fa"
FOLDER = "RUN {{7*7}} <svg onload=window.__hit=1>"


@pytest.fixture(scope="module")
def run_of_ids(tmp_path_factory) -> Run:
    """A FASTA of hostile ids, of a hostile file name, trained, explained and drawn."""
    home = tmp_path_factory.mktemp("ids")
    sequences = planted.letters(2 * len(IDS))[1::2]  # those that hold the word
    text = "".join(f">{n}\n{s}\n" for n, s in zip(IDS, sequences, strict=True))
    (home / FILE).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setattr(metrics, "RESAMPLES", 20)
        sets = ("explain.methods=['saliency']", "data.test_fraction=0.4")
        given = [word for one in sets for word in ("--set", one)]
        done = cisgram("run", "--positives", FILE, "-o", FOLDER, *OPTIONS, *given)
    assert done.status == 0, done.err
    return Run(home / FOLDER)


@pytest.mark.browser
def test_ids_of_a_fasta_and_names_of_files_stay_text_on_the_page(chromium, run_of_ids):
    with watched(chromium, report.write(run_of_ids)) as page:
        wander(page)
        check_is_text(page)
        assert page.locator("h1").evaluate("(h) => h.textContent") == FOLDER
        assert FILE in page.evaluate("document.body.textContent")
        page.locator("nav.tabs a", has_text="Sequences").click()
        page.wait_for_selector(".rows tbody tr")
        listed = page.locator(".rows tbody th").evaluate_all("(c) => c.map((x) => x.textContent)")
        explained = run_of_ids.read_table("explain/saliency/names.tsv")["name"].astype(str)
        assert set(listed) <= set(explained)


def test_predictions_name_the_sequences_as_the_reader_does(run_of_ids, tmp_path, monkeypatch):
    monkeypatch.chdir(run_of_ids.path.parent)
    assert cisgram("predict", FOLDER, "--sequences", FILE, "-o", "p.tsv").status == 0
    read = io.read_fasta(Path(FILE)).names
    table = Run(Path()).read_table("p.tsv")
    assert len(table) == len(read) == len(IDS)
    assert "</script><script>window.__hit=1</script>" in set(table["name"].astype(str))


@pytest.mark.parametrize("name", BREAKING)
def test_what_no_name_can_hold_is_refused_or_made_harmless(tmp_path, name):
    """A NUL is refused; a line break ends the record's name, and what follows is no sequence;
    other control characters become underscores; a lone surrogate is no text at all."""
    path = tmp_path / "one.fa"
    raw = f">{name}\nACGTACGTAA\n".encode("utf-8", "surrogatepass")
    path.write_bytes(raw)
    if any(c in name for c in "\n\x00\ud800"):
        with pytest.raises(InputError, match=r"one\.fa"):
            io.read_fasta(path)
        return
    (found,) = io.read_fasta(path).names
    assert found.isprintable()
    assert not set(found) & set("\n\r\t\x00")
