import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cisgram import motifs
from cisgram.core.errors import InputError, MissingExtra
from cisgram.core.results import Attribution
from cisgram.core.run import Run
from cisgram.explain import Pattern
from cisgram.seq import one_hot
from cisgram.steps import export_run
from cisgram.steps.exports import FINEMO, FORMS
from cisgram.steps.modisco import group_names, read_h5, write_h5
from cisgram.steps.patterns import patterns, read_back
from cli.running import cisgram
from steps.planted_genome import of_genome, of_table


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    """A run from intervals, with patterns."""
    job = of_genome(tmp_path_factory.mktemp("placed"))
    patterns(job)
    return job


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A run from sequences, with patterns."""
    job = of_table(tmp_path_factory.mktemp("bare"))
    patterns(job)
    return job


def test_the_command_offers_every_form():
    from cisgram.cli.commands.export import FORMS as OFFERED

    assert set(OFFERED) == set(FORMS)


def test_npz_hold_sequences_and_hypothetical_scores(placed, tmp_path):
    export_run(placed.run, "modisco-npz", tmp_path / "npz")
    saved = read_back(placed.run)
    with np.load(tmp_path / "npz" / "sequences.npz") as one_hot:
        np.testing.assert_array_equal(one_hot["arr_0"], saved.attribution.sequences)
        assert one_hot["arr_0"].dtype == np.int8
    with np.load(tmp_path / "npz" / "attributions.npz") as scores:
        np.testing.assert_array_equal(scores["arr_0"], saved.attribution.values)


def test_finemo_table_has_places_on_the_genome(placed, tmp_path):
    out = export_run(placed.run, "finemo", tmp_path / "hits.tsv")
    with out.open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert tuple(rows[0]) == FINEMO
    genome = {}
    for entry in Path(placed.settings.data.genome).read_text().split(">")[1:]:
        name, letters = entry.split("\n")[:2]
        genome[name] = letters
    hits = placed.run.read_table("motifs/patterns.hits.tsv")
    assert len(rows) == len(hits)
    good = 0
    for row in rows:
        assert row["chr"] == "chrC"
        site = genome[row["chr"]][int(row["start"]) : int(row["end"])]
        good += any(w[:7] in site or w[1:] in site for w in ("CACGTGAC", "GTCACGTG"))
        assert float(row["hit_importance"]) ** 2 >= float(row["hit_importance_sq"]) - 1e-9
        assert row["motif_name"] == "pos_patterns.pattern_0"
    assert good / len(rows) >= 0.9


def test_finemo_table_of_sequences_counts_from_their_starts(bare, tmp_path):
    out = export_run(bare.run, "finemo", tmp_path / "hits.tsv")
    with out.open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    hits = bare.run.read_table("motifs/patterns.hits.tsv")
    assert {row["chr"] for row in rows} == {"NA"}
    assert [int(r["start"]) for r in rows] == hits["start"].tolist()
    assert [r["peak_name"] for r in rows] == hits["sequence"].tolist()


def test_bigwig_holds_the_scores_of_every_base(placed, tmp_path):
    pytest.importorskip("pybigtools")
    figwig = pytest.importorskip("figwig")
    out = export_run(placed.run, "bigwig", tmp_path / "scores.bw")
    saved = read_back(placed.run)
    tracks = saved.attribution.per_position.numpy()
    starts = [150 * int(name.partition(".")[2]) + 10 for name in saved.names]
    got = figwig.BigWigReader(str(out)).read("chrC", starts, 80)
    np.testing.assert_allclose(got, tracks, atol=1e-6)


def test_a_run_without_places_has_no_bigwig(bare, tmp_path):
    with pytest.raises(InputError, match="no places on a genome"):
        export_run(bare.run, "bigwig", tmp_path / "scores.bw")
    assert not (tmp_path / "scores.bw").exists()


def test_h5_is_read_back_as_the_same_patterns(placed, tmp_path):
    pytest.importorskip("h5py")
    out = export_run(placed.run, "modisco-h5", tmp_path / "out.h5")
    (own,), (again,) = read_back(placed.run).patterns, read_h5(out)
    assert again.name == own.name
    assert again.sign == own.sign
    # sites near an end of their sequence are left out, so that means differ a little
    assert again.n >= 0.7 * own.n
    assert again.width == own.width
    np.testing.assert_allclose(again.contributions, own.contributions, atol=0.1)
    columns = ["sequence", "start", "strand"]
    sites, kept = (set(p.members[columns].itertuples(index=False)) for p in (own, again))
    assert kept <= sites


def test_h5_has_the_layout_of_tf_modisco(placed, tmp_path):
    h5py = pytest.importorskip("h5py")
    out = export_run(placed.run, "modisco-h5", tmp_path / "out.h5")
    with h5py.File(out) as f:
        assert f.attrs["window_size"] == 80
        group = f["pos_patterns/pattern_0"]
        inner = group["seqlets"]
        n = int(inner["n_seqlets"][0])
        for name in ("sequence", "contrib_scores", "hypothetical_contribs"):
            assert inner[name].shape == (n, 30, 4)
            np.testing.assert_allclose(group[name], inner[name][:].mean(0), atol=1e-6)
        saved = read_back(placed.run)
        for i in range(n):
            row, start = int(inner["example_idx"][i]), int(inner["start"][i])
            window = saved.attribution.sequences[row, :, start : start + 30].numpy()
            window = window[::-1, ::-1] if inner["is_revcomp"][i] else window
            np.testing.assert_array_equal(inner["sequence"][i].T, window)


def test_meme_holds_the_motifs_of_all_sources(placed, tmp_path):
    folder = placed.run.path / "motifs"
    (own,) = read_back(placed.run).patterns
    motifs.write_meme(folder / "patterns.meme", [own.motif])
    motifs.write_meme(folder / "filters.meme", [own.motif])
    motifs.write_meme(folder / "filters.targets.meme", [own.motif])
    out = export_run(placed.run, "meme", tmp_path / "all.meme")
    assert motifs.read_meme(out).names == ["filters.positive_0", "patterns.positive_0"]


def test_names_of_groups_count_each_sign_on_its_own(placed):
    import dataclasses

    (own,) = read_back(placed.run).patterns
    down = dataclasses.replace(own, name="negative_0", sign="-")
    both = (own, dataclasses.replace(own, name="positive_1"), down)
    assert list(group_names(both).values()) == [
        "pos_patterns.pattern_0",
        "pos_patterns.pattern_1",
        "neg_patterns.pattern_0",
    ]


def test_refuses_what_is_not_there(placed, tmp_path):
    with pytest.raises(InputError, match="Did you mean 'bigwig'"):
        export_run(placed.run, "bigwigs", tmp_path / "a")
    with pytest.raises(InputError, match="cisgram explain ism"):
        export_run(placed.run, "modisco-npz", tmp_path / "a", method="ism")
    with pytest.raises(InputError, match="leave the method out"):
        export_run(placed.run, "meme", tmp_path / "a", method="ism")
    with pytest.raises(InputError, match="is not a run"):
        export_run(Run(tmp_path), "meme", tmp_path / "a")
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "run.toml").write_text("")
    with pytest.raises(InputError, match="holds no motifs"):
        export_run(Run(tmp_path / "bare"), "meme", tmp_path / "a")
    saved = read_back(placed.run)
    with pytest.raises(InputError, match="too short"):
        write_h5(tmp_path / "a.h5", saved.patterns, saved.attribution, window=81)
    assert not (tmp_path / "a.h5").exists()


def test_a_file_of_another_layout_is_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f["a"] = 1
    with pytest.raises(InputError, match="neither pos_patterns nor neg_patterns"):
        read_h5(tmp_path / "x.h5")
    (tmp_path / "y.h5").write_text("no")
    with pytest.raises(InputError, match="Cannot read"):
        read_h5(tmp_path / "y.h5")


def test_a_missing_writer_is_named_with_its_extra(placed, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    monkeypatch.setitem(sys.modules, "pybigtools", None)
    with pytest.raises(MissingExtra, match=r"cisgram\[modisco\]"):
        export_run(placed.run, "modisco-h5", tmp_path / "a.h5")
    with pytest.raises(MissingExtra, match=r"cisgram\[bigwig\]"):
        export_run(placed.run, "bigwig", tmp_path / "a.bw")


def test_the_command_writes_the_form_that_is_asked_for(placed, bare, tmp_path):
    run = str(placed.run.path)
    done = cisgram("export", run, "--format", "finemo", "-o", str(tmp_path / "a.tsv"), "--json")
    assert done.status == 0, done.err
    assert json.loads(done.out) == {"path": str(tmp_path / "a.tsv")}
    assert (tmp_path / "a.tsv").read_text().startswith("chr\tstart\tend\tstart_untrimmed")
    run = str(bare.run.path)
    done = cisgram("export", run, "--format", "bigwig", "-o", str(tmp_path / "a.bw"))
    assert done.status == 2
    assert "no places on a genome" in done.err
    assert "Traceback" not in done.err
    assert cisgram("export", run, "--format", "wig", "-o", "a").status == 2
    assert cisgram("export", run, "--format", "meme").status == 2


def test_the_executable_exports(placed, tmp_path):
    main = [sys.executable, "-c", "from cisgram.cli import main; main()"]
    out = tmp_path / "npz"
    arguments = ["export", str(placed.run.path), "--format", "modisco-npz", "-o", str(out)]
    done = subprocess.run([*main, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in out.iterdir()) == ["attributions.npz", "sequences.npz"]


@pytest.mark.parity
@pytest.mark.slow
def test_tf_modisco_s_own_programs_read_the_h5(placed, tmp_path):
    program = Path(sys.executable).with_name("modisco")
    if not program.is_file():
        pytest.skip("modisco-lite is not installed beside this Python")
    export_run(placed.run, "modisco-h5", tmp_path / "out.h5")
    shutil.copy(placed.settings.data.positives, tmp_path / "p.bed")
    subprocess.run(
        [program, "meme", "-i", "out.h5", "-t", "PFM", "-o", "out.meme"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    (motif,) = motifs.read_meme(tmp_path / "out.meme")
    known = motifs.Motif(read_back(placed.run).patterns[0].motif.ppm, "own")
    assert motifs.tomtom(known, [motif])["overlap"].item() == known.width


@pytest.mark.parametrize(("width", "left", "right"), [(7, 11, 12), (8, 11, 11)])
def test_windows_of_the_h5_keep_to_the_sequence_and_to_the_strand(tmp_path, width, left, right):
    """30 positions about a site; the odd one lies on its right, on the left of a turned site."""
    h5py = pytest.importorskip("h5py")
    length, last = 60, 30  # of a sequence; the last place of a window in it
    word = np.array([1, 0, 1, 2, 3, 2, 0, 3], np.uint8)[:width]
    # the outermost sites that fit, and those a position further out
    places = [(left, "+"), (last + left, "+"), (right, "-"), (last + right, "-")]
    beyond = [(left - 1, "+"), (last + left + 1, "+"), (right - 1, "-"), (last + right + 1, "-")]
    codes = np.random.default_rng(0).integers(0, 4, (8, length)).astype(np.uint8)
    for row, (start, strand) in enumerate(places + beyond):
        codes[row, start : start + width] = word if strand == "+" else 3 - word[::-1]
    x = one_hot(codes)
    rows = [(i, s, s + width, strand, 1.0) for i, (s, strand) in enumerate(places + beyond)]
    members = pd.DataFrame(rows, columns=["sequence", "start", "end", "strand", "similarity"])
    weight = np.eye(4)[:, word]
    motif = motifs.Motif(weight, "positive_0")
    own = Pattern("positive_0", "+", motif, weight, weight, members)
    write_h5(tmp_path / "out.h5", (own,), Attribution(x, x, "planted"))
    with h5py.File(tmp_path / "out.h5") as f:
        group = f["pos_patterns/pattern_0"]
        inner = group["seqlets"]
        assert inner["example_idx"][:].tolist() == [0, 1, 2, 3]
        assert inner["start"][:].tolist() == [0, last, 0, last]
        assert inner["end"][:].tolist() == [30, 60, 30, 60]
        assert inner["is_revcomp"][:].tolist() == [False, False, True, True]
        np.testing.assert_array_equal(group["sequence"][left : left + width].T, weight)
