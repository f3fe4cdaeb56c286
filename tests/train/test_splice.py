"""Three classes of real sequence: acceptor, donor, or neither."""

import gzip
import os
from pathlib import Path

import pytest

from cisgram.core.run import Run
from cisgram.steps import resolve, train_run

FOLDER = Path(os.environ.get("CISGRAM_DATA", "")) / "splice"


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif(not FOLDER.is_dir(), reason="CISGRAM_DATA names no folder with splice")
def test_acceptors_and_donors_are_told_from_other_sequence_and_from_each_other(tmp_path):
    """GUE's development set; AG and GT stand at the middle, so the network must know the place."""
    with gzip.open(FOLDER / "gue_splice_dev.csv.gz", "rt") as table:
        head, *rows = table.read().splitlines()
    middle = [(s[110:290], label) for s, label in (row.rsplit(",", 1) for row in rows)]
    path = tmp_path / "splice.csv"
    path.write_text("\n".join([head, *(f"{s},{label}" for s, label in middle)]) + "\n")
    settings = resolve(
        {
            "data": {"positives": str(path), "task": "multiclass", "reverse_complement": False},
            "model": {"name": "basset", "options": {"maps": [64, 32, 32], "hidden": 64}},
            "train": {"epochs": 25, "min_rows": 1, "batch_size": 32, "patience": 25},
        }
    )
    found = train_run(Run(tmp_path / "RUN"), settings, device="cpu")["test"]
    neither = max(o["n_positive"] for o in found["per_output"]) / found["n"]
    assert found["accuracy"] > neither + 0.1
    assert found["auroc"] > 0.85
