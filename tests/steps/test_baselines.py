"""Networks beside words, one motif and composition, for both tasks."""

import numpy as np
import pytest

import planted
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.motifs import Motif, write_meme
from cisgram.steps import baselines_run, resolve, train_run

EBOX = Motif(np.eye(4)[:, list(planted.WORD)], "EBOX")
OTHER = Motif(np.eye(4)[:, [0, 0, 2, 0, 0, 2, 2, 1]], "OTHER")


def trained(folder, *, values=False, **data):
    """A run on sequences with and without a word; with ``values``, on a measured label."""
    path = planted.write_tsv(folder / "a.tsv", 700)
    if values:
        random = np.random.default_rng(0)
        head, *rows = path.read_text().splitlines()
        rows = [r[:-1] + f"{3 * int(r[-1]) + random.normal():.3f}" for r in rows]
        path.write_text("\n".join([head, *rows]) + "\n")
    write_meme(folder / "m.meme", [OTHER, EBOX])
    settings = resolve(
        {
            "data": {"positives": str(path), "test_fraction": 0.3, **data},
            "model": {"name": "deepbind", "options": {"hidden": 0}},
            "train": {"epochs": 1, "min_rows": 1},
            "motifs": {"database": str(folder / "m.meme")},
        }
    )
    run = Run(folder / "RUN")
    train_run(run, settings, device="cpu")
    return run


@pytest.mark.parametrize(("values", "score"), [(False, "auroc"), (True, "pearson")])
def test_the_planted_word_is_the_best_motif_and_all_baselines_are_scored(tmp_path, values, score):
    run = trained(tmp_path, values=values)
    table = baselines_run(run).set_index("predictor")
    assert table.index[0] == "network"
    assert {"GC content", "dinucleotides", "k-mers", "gapped k-mers", "one motif"} <= {*table.index}
    assert table["about"]["one motif"].startswith("EBOX")
    assert table[score]["one motif"] > (0.75 if values else 0.97)
    assert table[score]["k-mers"] > table[score]["dinucleotides"]
    low, high = table[f"{score}_low"], table[f"{score}_high"]
    assert ((low <= table[score]) & (table[score] <= high)).all()
    assert "4 letters in up to 8 bp" in table["about"]["gapped k-mers"]
    assert len(run.read_table("baselines.tsv")) == len(table)


def test_a_run_that_reads_the_strand_as_given_has_baselines_that_do(tmp_path):
    run = trained(tmp_path, reverse_complement=False)
    about = baselines_run(run).set_index("predictor")["about"]
    assert "5,460 of them" in about["k-mers"]  # 4 + 16 + ... + 4^6
    assert "8,960 of them" in about["gapped k-mers"]


def test_a_run_without_a_test_set_has_nothing_to_be_compared_on(tmp_path):
    path = planted.write_tsv(tmp_path / "a.tsv", 80)
    groups = {
        "data": {"positives": str(path), "test_fraction": 0.0},
        "model": {"name": "pwm", "options": {"motifs": 2}},
        "train": {"epochs": 1, "min_rows": 1},
    }
    run = Run(tmp_path / "RUN")
    train_run(run, resolve(groups), device="cpu")
    with pytest.raises(InputError, match="has no test set"):
        baselines_run(run)
