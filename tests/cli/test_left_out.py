"""Commands on files say on standard error what they left out, cut and padded."""

import shutil

import pytest

import planted
from cisgram import motifs
from cisgram.core.run import Run
from cisgram.steps import predict_file
from cli.running import cisgram

ODD = "1 of 5 sequences was left out: s1 (no letters); 1 was cut to the middle 60 bp; "
ODD += "2 were padded with N."


@pytest.fixture
def here(tmp_path, monkeypatch, trained):
    """A run for 60 bp, and five sequences: one as it should be, one empty, one long, two short."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "RUN")
    shutil.copy(trained.parent / "a.tsv", "a.tsv")
    letters = planted.letters(5, 70)
    odd = [letters[0][:60], "", letters[2], letters[3][:50], letters[4][:40]]
    planted.write_fasta(tmp_path / "odd.fa", odd)
    return tmp_path


def test_predict_says_what_was_left_out_and_the_table_stays_clean(here):
    done = cisgram("predict", "RUN", "--sequences", "odd.fa")
    assert done.status == 0, done.err
    assert ODD in done.err.splitlines()
    assert len(done.out.splitlines()) == 5  # a header and four rows


def test_predict_is_silent_where_nothing_was_left_out(here):
    planted.write_fasta(here / "x.fa", planted.letters(4))
    assert cisgram("predict", "RUN", "--sequences", "x.fa").err == ""


def test_evaluate_says_what_was_cut(here):
    letters = planted.letters(40, 70)
    rows = [f"{s}\t{i % 2}\n" for i, s in enumerate(letters)]
    (here / "b.tsv").write_text("sequence\tbound\n" + "".join(rows))
    done = cisgram("evaluate", "RUN", "--sequences", "b.tsv")
    assert done.status == 0, done.err
    assert "40 were cut to the middle 60 bp." in done.err.splitlines()


def test_explain_says_what_was_left_out(here):
    done = cisgram("explain", "saliency", "RUN", "--sequences", "odd.fa", "-o", "E")
    assert done.status == 0, done.err
    assert ODD in done.err.splitlines()


def test_the_library_prints_nothing_and_tells_who_asks(here, capsys):
    told = []
    predict_file(Run(here / "RUN"), "odd.fa", tell=told.append)
    predict_file(Run(here / "RUN"), "odd.fa")
    assert told == [ODD]
    assert capsys.readouterr() == ("", "")


def test_scan_reads_intervals_forward_and_says_what_was_left_out(here):
    known = motifs.jaspar("vertebrates")["CTCF"]
    motifs.write_meme(here / "m.meme", motifs.MotifSet([known]))
    site = known.consensus
    text = planted.letters(1, 300)[0]
    text = text[:120] + site + text[120 + len(site) :]
    (here / "g.fa").write_text(f">c\n{text}\n")
    (here / "p.bed").write_text(
        "c\t100\t200\tback\t0\t-\nc\t100\t200\tforth\t0\t+\nx\t5\t9\tlost\t0\t+\n"
    )
    done = cisgram("scan", "m.meme", "p.bed", "--genome", "g.fa", "--p", "1e-8")
    assert done.status == 0, done.err
    assert "1 of 3 sequences was left out: lost (contig x is not in g.fa)." in done.err.splitlines()
    rows = [line.split("\t") for line in done.out.splitlines()]
    found = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert {(r["sequence"], r["start"], r["strand"]) for r in found} == {
        ("back", "20", "+"),
        ("forth", "20", "+"),
    }
