"""The explanation step: every kind of method, its options, and how far the answer adds up."""

import inspect

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

import planted
from cisgram.core.config import read_toml
from cisgram.core.errors import InputError
from cisgram.core.registry import Entry
from cisgram.core.results import Attribution, Tracks
from cisgram.core.run import Run
from cisgram.explain import METHODS
from cisgram.steps import explain_run, read_options, resolve, run_all
from cisgram.steps.method_options import GIVEN, SCORES, method_options, plain_options

DEEPBIND = {"name": "deepbind", "options": {"detectors": 6, "width": 10, "hidden": 0}}


def asked(path, *overrides, methods=("saliency",)):
    return resolve(
        {
            "data": {"positives": str(path)},
            "model": DEEPBIND,
            "train": {"epochs": 1, "min_rows": 1, "batch_size": 32},
            "explain": {"methods": list(methods), "most": 6},
        },
        overrides=overrides,
    )


def ranks(model, x, *, target=None, start: int = 0, seed: int = 0) -> Tracks:
    """Two tracks: the position, and the position from the right."""
    n, _, length = x.shape
    right = torch.arange(start, start + length, dtype=torch.float64).expand(n, -1)
    values = torch.stack([right, right.flip(1)], 1)
    return Tracks(values, ("forward", "backward"), x, "ranks", {"start": start})


def halves(
    model, x, *, target=None, slack: float = 0.25, reference: str | torch.Tensor = "zeros"
) -> Attribution:
    """A score of 2 at the first base of every sequence; ``slack`` of it is too much."""
    values = torch.zeros(x.shape)
    values[:, :, 0] = 2.0
    return Attribution(values, x, "halves", {}, delta=torch.full((len(x),), slack))


def needy(model, x, *, motifs: list[str], target=None) -> Attribution:
    """Cannot run without motifs."""
    raise AssertionError


@pytest.fixture(autouse=True)
def methods(monkeypatch):
    """Three methods more; they are forgotten after each test."""
    facts = {"needs": "forward", "signed": True, "cite": ""}
    for fn, own in (
        (ranks, {"gives": "tracks", "complete": False}),
        (halves, {"gives": "attribution", "complete": True}),
        (needy, {"gives": "attribution", "complete": False}),
    ):
        entry = Entry(fn.__name__, fn, facts | own)
        monkeypatch.setitem(METHODS._entries, fn.__name__, entry)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    path = planted.write_tsv(folder / "a.tsv", 160)
    run = Run(folder / "RUN")
    run_all(run, asked(path), device="cpu")
    return run, path


def test_tracks_are_written_with_their_names(made):
    run, _ = made
    said = []
    folder = explain_run(run, "ranks", most=4, options={"start": 3}, tell=said.append)
    arrays = load_file(folder / "values.safetensors")
    assert set(arrays) == {"tracks", "x"}
    assert arrays["tracks"].dtype == np.float32
    assert arrays["tracks"][1, :, :2].tolist() == [
        [3, 4],
        [3 + arrays["x"].shape[2] - 1 - i for i in range(2)],
    ]
    options = read_toml(folder / "options.toml")
    assert options["tracks"] == ["forward", "backward"]
    assert options["options"] == {"start": 3, "seed": 0}
    assert said == []


def test_the_completeness_gap_is_stored_and_said(made):
    """Scores add up to 2, of which the slack is too much: 0.5 of a change of 1.5."""
    run, _ = made
    said = []
    folder = explain_run(run, "halves", most=4, options={"slack": 0.5}, tell=said.append)
    assert pd.read_csv(folder / "names.tsv", sep="\t")["delta"].tolist() == [0.5] * 4
    found = read_toml(folder / "options.toml")
    assert found["completeness"] == {"mean": 0.333, "largest": 0.333}
    assert found["options"] == {"slack": 0.5, "reference": "zeros"}
    assert len(said) == 1
    assert "the gap is 3.3e-01 of it in the mean" in said[0]
    assert "as a ranking" in said[0]
    explain_run(run, "halves", most=4, options={"slack": 0.001}, tell=said.append)
    assert "as a ranking" not in said[1]


@pytest.mark.parametrize(
    ("method", "given", "said"),
    [
        ("ranks", {"stat": 1}, r"No option of ranks named 'stat'. Did you mean 'start'\?"),
        ("ranks", {"start": "early"}, "start of ranks must be a whole number; got 'early'"),
        ("ranks", {"start": 1.5}, "must be a whole number; got 1.5"),
        ("ranks", {"start": True}, "must be a whole number; got True"),
        ("ranks", {"target": 1}, "No option of ranks named 'target'"),
        ("gradient_x_input", {"corrected": "yes"}, "must be true or false; got 'yes'"),
        ("saliency", {"labels": 1}, "No option of saliency named 'labels'"),
        ("saliency", {"of": "logits"}, "Did you mean 'logit'"),
        ("needy", {}, "needs the option motifs, which has no default: it is no number or text"),
        ("needy", {"motifs": "a.meme"}, "motifs of needy is no number or text"),
    ],
)
def test_options_that_do_not_fit_are_refused(made, method, given, said):
    run, _ = made
    with pytest.raises(InputError, match=said):
        explain_run(run, method, most=2, options=given)
    assert not (run.path / "explain" / "needy").exists()


def test_a_method_that_scores_no_bases_is_refused_with_the_way_out(made, monkeypatch):
    entry = Entry("optimum", ranks, {"gives": "table", "cite": ""})
    monkeypatch.setitem(METHODS._entries, "optimum", entry)
    with pytest.raises(InputError, match="optimum gives a table, not scores"):
        explain_run(made[0], "optimum")


def test_the_labels_of_the_loss_are_those_of_the_sequences(made, tmp_path):
    run, _ = made
    arrays = [
        load_file(
            explain_run(run, "saliency", most=4, out=tmp_path / of, options={"of": of})
            / "values.safetensors"
        )
        for of in ("loss", "logit_difference")
    ]
    assert arrays[0]["values"].shape == arrays[1]["values"].shape
    assert not np.allclose(arrays[0]["values"], arrays[1]["values"])


def test_every_method_that_scores_bases_can_be_asked_by_text():
    """Its signature resolves, and no option without a default is in the way."""
    for name, entry in METHODS.items():
        if entry.facts["gives"] in SCORES and name != "needy":
            chosen = method_options(entry, {})
            known = set(inspect.signature(entry.fn).parameters) - set(GIVEN)
            assert set(chosen) <= known


def test_the_options_that_are_listed_are_those_that_can_be_given():
    assert plain_options("halves") == {"slack": 0.25, "reference": "zeros"}
    assert plain_options("needy") == {}
    for name in METHODS:
        for option, default in plain_options(name).items():
            value = "none" if default is None else default
            if isinstance(default, bool | int | float | str):
                assert method_options(METHODS[name], {option: value})[option] == default


def test_none_is_given_as_text():
    def fn(
        model, x, *, target=None, tolerance: float | None = 1e-4, rule: str = "a"
    ) -> Attribution:
        """Nothing."""

    entry = Entry("fn", fn, {"gives": "attribution"})
    assert method_options(entry, read_options(["tolerance=none"]))["tolerance"] is None
    assert method_options(entry, read_options(["tolerance=1"]))["tolerance"] == 1
    assert method_options(entry, read_options(["rule=none"]))["rule"] == "none"


def test_scores_do_not_depend_on_how_many_sequences_are_asked_at_once(made, tmp_path, monkeypatch):
    run, _ = made
    found = []
    for chunk in (50, 2):
        monkeypatch.setattr("cisgram.steps.scored.CHUNK", chunk)
        folder = explain_run(
            run, "deep_lift", most=5, out=tmp_path / str(chunk), options={"n_references": 3}
        )
        found.append(load_file(folder / "values.safetensors")["values"])
    assert found[0] == pytest.approx(found[1], abs=1e-5)
    assert np.abs(found[0]).max() > 1e-3


@pytest.mark.parametrize("text", ["start", "=3", "a.b=3", ""])
def test_an_option_without_a_name_or_a_value_is_refused(text):
    with pytest.raises(InputError, match="looks like -O name=value"):
        read_options([text])


def test_changed_options_are_asked_anew_and_the_same_are_not(made):
    run, path = made
    written = run.path / "explain" / "ranks" / "options.toml"
    run_all(run, asked(path, "explain.options.ranks.start=2", methods=["ranks"]), device="cpu")
    assert read_toml(written)["options"]["start"] == 2
    first = written.stat().st_mtime_ns
    run_all(run, asked(path, "explain.options.ranks.start=2", methods=["ranks"]), device="cpu")
    assert written.stat().st_mtime_ns == first
    run_all(run, asked(path, methods=["ranks"]), device="cpu")
    assert read_toml(written)["options"]["start"] == 0


def test_options_of_the_settings_hold_for_the_command_too(made):
    run, path = made
    settings = asked(path, "explain.options.ranks.start=7", methods=["ranks"])
    run_all(run, settings, device="cpu")
    folder = explain_run(run, "ranks", most=2)
    assert read_toml(folder / "options.toml")["options"]["start"] == 7
    folder = explain_run(run, "ranks", most=2, options={"start": 1})
    assert read_toml(folder / "options.toml")["options"]["start"] == 1


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("explain.options.ranks.starts=2", "Did you mean 'start'"),
        ("explain.options.rank.start=2", "Did you mean 'ranks'"),
        ("explain.options.ranks.start=two", "explain.options.ranks: start of ranks must be"),
        ("explain.methods=['needy']", "needs the option motifs"),
    ],
)
def test_a_wrong_option_costs_no_training(tmp_path, override, said):
    path = planted.write_tsv(tmp_path / "a.tsv", 160)
    with pytest.raises(InputError, match=said):
        run_all(Run(tmp_path / "RUN"), asked(path, override), device="cpu")
    assert not (tmp_path / "RUN").exists()


def test_a_method_without_an_answer_for_this_model_leaves_a_note(made, monkeypatch):
    def attends(model, x, *, target=None) -> Tracks:
        """Refuses."""
        raise InputError("The model has no attention.")

    entry = Entry("attends", attends, {"gives": "tracks", "cite": ""})
    monkeypatch.setitem(METHODS._entries, "attends", entry)
    run, path = made
    outcome = run_all(run, asked(path, methods=["attends", "saliency"]), device="cpu")
    assert "attends: The model has no attention." in outcome.notes
    assert outcome.page.is_file()
