"""``cisgram motifs RUN --layer L``."""

import shutil

from cisgram.core.config import read_toml
from cisgram.core.run import Run
from cli.running import cisgram


def test_motifs_of_a_layer_are_written_and_named_on_the_page(tmp_path, monkeypatch, trained):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "RUN")
    shutil.copy(trained.parent / "a.tsv", "a.tsv")
    done = cisgram("motifs", "RUN", "--layer", "detect.1", "--database", "jaspar:fungi")
    assert done.status == 0, done.err
    assert read_toml(tmp_path / "RUN" / "motifs" / "filters.options.toml")["layer"] == "detect.1"
    facts = Run(tmp_path / "RUN").read_table("motifs/filters.facts.tsv")
    wanted = {"influence", "group", "in_positives", "enrichment_q", "position", "position_q"}
    assert wanted <= set(facts.columns)
    assert cisgram("report", "RUN").status == 0
    assert "Filters of detect.1" in (tmp_path / "RUN" / "report.html").read_text()


def test_a_layer_that_is_not_there_is_refused(tmp_path, monkeypatch, trained):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "RUN")
    shutil.copy(trained.parent / "a.tsv", "a.tsv")
    done = cisgram("motifs", "RUN", "--layer", "detectx.1")
    assert done.status == 2
    assert "Did you mean 'detect.1'" in done.err
