"""The main job: refused before it trains, or done; done anew where other things are asked for."""

import pytest

import planted
from cisgram.core.config import read_toml
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.steps import resolve, run_all


def asked(path, *overrides, **data):
    return resolve(
        {
            "data": {"positives": str(path)} | data,
            "model": {"name": "deepbind", "options": {"detectors": 6, "width": 10, "hidden": 0}},
            "train": {"epochs": 2, "min_rows": 1, "batch_size": 32},
            "explain": {"methods": ["saliency"], "most": 4},
        },
        overrides=overrides,
    )


@pytest.mark.parametrize(
    ("override", "device", "said"),
    [
        ("explain.methods=['saliency', 'salency']", "cpu", "Did you mean 'saliency'"),
        ("explain.target='bond'", "cpu", "Did you mean 'bound'"),
        ("explain.target=1", "cpu", "one output, bound; got the target 1"),
        ("motifs.convention=baset", "cpu", "Did you mean 'basset"),
        ("motifs.database=jaspar:vertebrate", "cpu", "vertebrates"),
        ("motifs.database=nowhere.meme", "cpu", "nowhere"),
        ("explain.most=4", "tpu", "got 'tpu'"),
    ],
)
def test_a_typo_for_a_late_step_costs_no_training(tmp_path, override, device, said):
    path = planted.write_tsv(tmp_path / "a.tsv", 160)
    with pytest.raises(InputError, match=said):
        run_all(Run(tmp_path / "RUN"), asked(path, override), device=device)
    assert not (tmp_path / "RUN").exists()


def test_of_several_outputs_the_first_is_explained_and_it_is_said(tmp_path):
    rows = [f"{s}\t{i % 2}\t{(i // 2) % 2}\n" for i, s in enumerate(planted.letters(120))]
    path = tmp_path / "m.tsv"
    path.write_text("sequence\tU\tV\n" + "".join(rows))
    run, labels = Run(tmp_path / "RUN"), {"label_columns": ["U", "V"]}
    outcome = run_all(run, asked(path, **labels), device="cpu")
    assert "Of the outputs U, V, only U was explained" in outcome.notes[0]
    explained = run.path / "explain" / "saliency" / "options.toml"
    assert read_toml(explained)["output"] == "U"

    weights = run.path / "model" / "weights.safetensors"
    written = weights.stat().st_mtime_ns
    anew = run_all(run, asked(path, "explain.target='V'", **labels), device="cpu")
    assert read_toml(explained)["output"] == "V"
    assert read_toml(run.path / "motifs" / "filters.options.toml")["target"] == 1
    assert not any("only U" in note for note in anew.notes)
    assert weights.stat().st_mtime_ns == written

    written = explained.stat().st_mtime_ns
    run_all(run, asked(path, "explain.target='V'", **labels), device="cpu")
    assert explained.stat().st_mtime_ns == written
