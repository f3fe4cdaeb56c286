"""Generators and their analyzers: what is refused, what is recorded, what is compared."""

import numpy as np
import pytest
import torch

import planted
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.models import Card, build, save
from cisgram.models.checkpoint import FieldShape
from cisgram.steps.analyzers import analyzer_of
from cisgram.steps.generate import (
    FeedbackOptions,
    GenerateOptions,
    feedback_run,
    generate_options_of,
    generate_run,
    maximize_run,
    sequences_of_run,
)

TURN = FeedbackOptions(epochs=1, steps=1, samples=8)
DEEPBIND = {"detectors": 4, "width": 8}


@pytest.fixture
def source(tmp_path, monkeypatch):
    """The run of a generator of 20 bp, fitted for a step to a.tsv."""
    monkeypatch.setattr("cisgram.steps.generate.COMPARED", 20)
    path = planted.write_tsv(tmp_path / "a.tsv", 80, 20)
    options = GenerateOptions(
        positives=str(path), epochs=1, steps=1, batch_size=16, channels=4, latent=4, critic_steps=1
    )
    run = Run(tmp_path / "G")
    generate_run(run, options)
    return run


def analyzer(folder, *, members=1, **facts):
    """A run with models as they are drawn."""
    facts = {"name": "deepbind", "options": DEEPBIND, "length": 20} | facts
    for i in range(members):
        torch.manual_seed(i)
        card = Card(**facts)
        save(Run(folder).member(i), build(card), card)
    return Run(folder)


def test_an_analyzer_that_reads_more_than_letters_is_refused(source, tmp_path):
    judge = analyzer(
        tmp_path / "N", name="deepcpg-cpg", options={"hidden": 4},
        fields={"neighbors": FieldShape(shape=(1, 2, 8), mirror=(-1,))},
    )  # fmt: skip
    with pytest.raises(InputError, match="deepcpg-cpg reads neighbors beside the letters"):
        maximize_run(source, [judge], 2, steps=1)
    with pytest.raises(InputError, match="deepcpg-cpg reads neighbors beside the letters"):
        feedback_run(source, judge, Run(tmp_path / "F"), TURN)
    assert not (tmp_path / "F").exists()


def test_an_analyzer_of_profiles_is_refused(tmp_path):
    judge = analyzer(
        tmp_path / "N", name="bpnet-profile", options={"maps": 4, "layers": 1}, length=40,
        task="profile", profile=(1, 20), outputs=("profile", "counts"),
    )  # fmt: skip
    with pytest.raises(InputError, match="bpnet-profile predicts profiles"):
        analyzer_of(judge, 20, target="counts")


@pytest.mark.parametrize("task", ["regression", "counts", "multiclass"])
def test_what_is_no_logit_of_a_label_has_no_probability_for_feedback(source, tmp_path, task):
    outputs = ("a", "b") if task == "multiclass" else ("a",)
    judge = analyzer(tmp_path / "N", task=task, outputs=outputs)
    with pytest.raises(InputError, match=f"was trained for {task}, and feedback takes prob"):
        feedback_run(source, judge, Run(tmp_path / "F"), TURN, target="a")
    assert not (tmp_path / "F").exists()
    assert len(maximize_run(source, [judge], 2, target="a", steps=1)) == 2


def test_the_target_and_every_member_of_an_analyzer_are_recorded(source, tmp_path):
    judge = analyzer(tmp_path / "N", members=2, outputs=("a", "b"))
    run = Run(tmp_path / "F")
    feedback_run(source, judge, run, TURN, target="b")
    assert run.read()["settings"]["feedback"]["target"] == "b"
    with pytest.raises(InputError, match=r"differs in feedback\.target"):
        feedback_run(source, judge, run, TURN, target="a")
    recorded = {v["sha256"] for v in run.read()["inputs"].values()}
    assert {files.sha256(m / "weights.safetensors") for m in judge.members()} <= recorded
    (judge.member(1) / "weights.safetensors").write_bytes(
        (judge.member(0) / "weights.safetensors").read_bytes()
    )
    with pytest.raises(InputError, match="the bytes of analyzer/model-2"):
        feedback_run(source, judge, run, TURN, target="b")


def test_sequences_that_are_no_longer_those_of_the_generator_are_refused(source, tmp_path):
    judge = analyzer(tmp_path / "N")
    feedback_run(source, judge, Run(tmp_path / "F"), TURN)
    planted.write_tsv(tmp_path / "a.tsv", 80, 20, seed=7)
    for run in (source, Run(tmp_path / "F")):
        with pytest.raises(InputError, match="made from other files: the bytes of positives"):
            maximize_run(run, [judge], 2, steps=1)
        with pytest.raises(InputError, match="made from other files: the bytes of positives"):
            feedback_run(run, judge, Run(tmp_path / "F2"), TURN)


def test_a_turned_generator_can_be_turned_and_climbed_again(source, tmp_path):
    judge, first = analyzer(tmp_path / "N"), Run(tmp_path / "F")
    feedback_run(source, judge, first, TURN)
    feedback_run(first, judge, Run(tmp_path / "F2"), TURN)
    assert len(maximize_run(first, [judge], 2, steps=1)) == 2


def test_runs_of_one_folder_name_have_a_column_each(source, tmp_path):
    judges = [analyzer(tmp_path / where / "RUN", members=1 + i) for i, where in enumerate("xy")]
    table = maximize_run(source, judges, 3, steps=2)
    assert list(table.columns[-2:]) == ["score_RUN", "score_RUN#2"]
    both = table[["score_RUN", "score_RUN#2"]].to_numpy()
    np.testing.assert_allclose(both.mean(1), table["score"], rtol=1e-5, atol=1e-6)
    assert not np.array_equal(both[:, 0], both[:, 1])


def test_a_label_above_0_is_what_positive_means(tmp_path):
    letters = planted.letters(80, 20)
    values = np.linspace(-3, 5, 80)
    rows = [f"s{i}\t{s}\t{v}\n" for i, (s, v) in enumerate(zip(letters, values, strict=True))]
    (tmp_path / "m.tsv").write_text("name\tsequence\tlabel\n" + "".join(rows))
    options = GenerateOptions(positives=str(tmp_path / "m.tsv"), batch_size=2)
    assert sum(map(len, sequences_of_run(options))) == (values > 0).sum() == 50
    described = GenerateOptions.model_fields["positives"].description
    assert "above 0" in str(described)


def test_a_generator_that_is_finished_is_not_judged_again(source, monkeypatch):
    how = generate_options_of(source)
    monkeypatch.setattr("cisgram.steps.generate.judged", lambda *a, **k: pytest.fail("again"))
    assert generate_run(source, how) == files.read_json(source.path / "metrics.json")
    (source.path / "samples.fa").unlink()
    with pytest.raises(pytest.fail.Exception, match="again"):
        generate_run(source, how)
