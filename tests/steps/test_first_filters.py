"""Motifs as first filters, from the settings of a run."""

import numpy as np
import pytest
import torch

import planted
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.models import load
from cisgram.motifs import Motif, jaspar, write_meme
from cisgram.steps import resolve, train_run

QUICK = {"epochs": 2, "min_rows": 1, "batch_size": 32}
EBOX = Motif(np.eye(4)[:, list(planted.WORD)], "EBOX", id="E1")
FLAT = Motif(np.full((4, 8), 0.25), "FLAT", id="F1")


def asked(table, **model):
    own = {"name": "deepbind", "options": {"detectors": 3, "width": 8, "hidden": 0}} | model
    return resolve({"data": {"positives": str(table)}, "model": own, "train": QUICK})


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return planted.write_tsv(tmp_path_factory.mktemp("table") / "a.tsv", 160)


@pytest.fixture(scope="module")
def meme(tmp_path_factory):
    path = tmp_path_factory.mktemp("motifs") / "m.meme"
    write_meme(path, [FLAT, EBOX])
    return path


def test_frozen_motifs_of_a_file_are_the_filters_of_the_trained_run(tmp_path, table, meme):
    run = Run(tmp_path / "RUN")
    train_run(run, asked(table, motifs=str(meme), motif_names=["EBOX"], freeze_motifs=True))
    first = load(run).model.detect[0].weight
    np.testing.assert_allclose(first[0].detach(), EBOX.ppm - 0.25, atol=1e-6)
    started = run.read_table("motifs/first-filters.tsv")
    assert started.to_dict("records") == [
        {"filter": 0, "name": "EBOX", "id": "E1", "strand": "+", "offset": 0}
    ]
    assert "motifs" in run.read()["inputs"]


def test_members_of_an_ensemble_start_from_the_same_motifs(tmp_path, table):
    run = Run(tmp_path / "RUN")
    settings = asked(table, motifs="jaspar:fungi", motif_choice="random", freeze_motifs=True)
    settings = settings.model_copy(
        update={"train": settings.train.model_copy(update={"seeds": 2, "epochs": 1})}
    )
    train_run(run, settings)
    one, other = (load(m).model.detect[0].weight for m in run.members())
    assert torch.equal(one, other)
    names = run.read_table("motifs/first-filters.tsv")["id"]
    assert len(names) == 3
    assert set(names) <= {m.id for m in jaspar("fungi")}


def test_a_changed_motif_file_is_another_job(tmp_path, table, meme):
    run, settings = Run(tmp_path / "RUN"), asked(table, motifs=str(meme))
    train_run(run, settings)
    write_meme(meme, [EBOX])
    with pytest.raises(InputError, match="motifs"):
        train_run(run, settings)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"freeze_motifs": True}, "model.freeze_motifs says something of motifs"),
        ({"motif_names": ["EBOX"]}, "model.motif_names says something of motifs"),
        ({"motifs": "nowhere.meme"}, "motifs file nowhere.meme does not exist"),
        ({"motifs": "jaspar:fungus"}, "Did you mean 'fungi'"),
        ({"motifs": "jaspar:fungi", "weights": __file__}, "both say how the first filters start"),
        ({"motifs": "jaspar:fungi", "motif_names": ["RAP2"]}, "No motif named 'RAP2'"),
        ({"motifs": "jaspar:fungi", "name": "demo-rnn", "options": {}}, "no filter can start"),
    ],
)
def test_motifs_that_cannot_be_had_are_refused_before_anything_is_written(
    tmp_path, table, model, message
):
    with pytest.raises(InputError, match=message):
        train_run(Run(tmp_path / "RUN"), asked(table, **model))
    assert not (tmp_path / "RUN").exists()
