"""Questions over HTTP: predictions, tracks and sites of a sequence, and what is refused."""

import base64
import gzip
import os
import shutil
import signal

import numpy as np
import pytest
import torch

from cisgram import explain
from cisgram.core import config, files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.dashboard.model_answers import KEPT, Answers
from cisgram.models import MODELS, Card, load, predict, read_card, save
from cisgram.seq import encode
from cisgram.steps import motifs_run, predict_file, settings_of
from cisgram.steps.ask import LONGEST, LiveModel, read_sequence
from cisgram.steps.offered import offered
from cisgram.steps.settings import ExplainOptions
from cisgram.steps.train import CALIBRATION
from cisgram.train.calibrate import Calibrator
from dashboard.waiting import SLUG, until

URL = f"/api/runs/{SLUG}"


@pytest.fixture
def answers():
    return Answers()


def ask(answers, run, sequence, **more):
    return answers.answer({"do": "ask", "run": str(run.path), "sequence": sequence, **more})


def unpacked(answer, method):
    """Values (rows, length) of a method, as the page's script reads them."""
    found = next(m for m in answer["payload"]["methods"] if m["name"] == method)
    raw = np.frombuffer(gzip.decompress(base64.b64decode(found["values"])), dtype=np.int8)
    return raw.reshape(-1, answer["length"]) * found["scale"][0]


def test_the_answer_over_http_is_the_model_s(client, run, sequence):
    answer = client.post(f"{URL}/ask", json={"sequence": sequence, "client": "page"}).json()
    x = encode([sequence])
    model = load(run)
    assert answer["predictions"][0]["output"] == "bound"
    assert answer["predictions"][0]["score"] == pytest.approx(float(predict(model, x)[0, 0]))
    expected = explain.ism(model, x, target=0).values[0].numpy()
    assert unpacked(answer, "ism") == pytest.approx(
        expected, abs=float(np.abs(expected).max()) / 200
    )
    assert (answer["given"], answer["length"], answer["offset"], answer["note"]) == (60, 60, 0, "")


def test_methods_that_are_drawn_at_once_are_those_whose_facts_say_so(answers, run, sequence):
    facts = answers.answer({"do": "model", "run": str(run.path)})
    prompt = {m["name"] for m in facts["methods"] if m["prompt"]}
    assert prompt == {"ism", "saliency"}  # nothing recurrent in this network
    assert "temporal" not in {m["name"] for m in facts["methods"]}
    answer = ask(answers, run, sequence)
    assert {m["name"] for m in answer["payload"]["methods"]} == prompt
    more = ask(answers, run, sequence, methods=["deep_lift"])
    assert [m["name"] for m in more["payload"]["methods"]] == ["deep_lift"]
    none = ask(answers, run, sequence, methods=[])
    assert none["payload"]["lengths"] == [60]


def test_a_recurrent_network_is_drawn_with_its_temporal_scores(tmp_path, run, answers):
    model = MODELS["demo-rnn"].fn(n_outputs=1)
    save(run.member(0), model, Card("demo-rnn", {}, length=60))
    answer = ask(answers, run, "ACGT" * 15)
    tracks = next(m for m in answer["payload"]["methods"] if m["name"] == "temporal")
    assert tracks["tracks"] == ["forward", "backward"]


def test_a_probability_is_that_of_predict(answers, run, sequence, tmp_path):
    """Strands, calibration and members as in every other command."""
    fasta = tmp_path / "one.fa"
    fasta.write_text(f">one\n{sequence}\n")
    row = predict_file(run, str(fasta)).iloc[0]
    found = ask(answers, run, f">one\n{sequence.lower()}\n")["predictions"][0]
    assert found["probability"] == pytest.approx(row["probability"])
    assert found["score"] == pytest.approx(row["score"])


def test_a_model_of_any_length_reads_the_whole_and_says_so(answers, run, sequence):
    answer = ask(answers, run, sequence + "ACGTACGT")
    assert (answer["given"], answer["length"], answer["offset"]) == (68, 68, 0)
    assert "trained on sequences of 60 bp and reads all 68 bp" in answer["note"]
    assert "'cisgram predict' cuts it to the middle 60 bp" in answer["note"]
    assert "'cisgram predict' pads it with N" in ask(answers, run, sequence[:50])["note"]


def test_a_model_of_one_length_gets_the_middle_or_n_around(run, sequence):
    model = LiveModel(run)
    model.model = _Flat(60)
    longer = model.ask("TT" + sequence + "TTTT", methods=["ism"])
    assert longer.offset == 3
    assert longer.note == "The model reads 60 bp: of 66 bp it was given the middle, 3 to 63."
    shorter = model.ask(sequence[:57], methods=["ism"])
    assert shorter.offset == -1
    assert shorter.codes[0] == shorter.codes[-1] == 4
    assert (
        shorter.note
        == "The model reads 60 bp: the 57 bp were padded with 1 N before and 2 N behind."
    )


class _Flat(torch.nn.Module):
    """Reads one length only."""

    def __init__(self, length):
        super().__init__()
        self.dense = torch.nn.Linear(4 * length, 1)

    def forward(self, x):
        return self.dense(x.flatten(1))


def test_sites_of_named_motifs_are_part_of_the_answer(answers, run, sequence):
    motifs_run(run, source="filters", options=settings_of(run).motifs)
    sites = ask(answers, run, sequence)["payload"]["sites"]
    at = sequence.index("CACGTGAC")
    starts = sites["rows"][0][::5]
    assert any(abs(start - at) <= 4 for start in starts)
    listed = answers.answer({"do": "motifs", "run": str(run.path)})["motifs"]
    assert listed[0]["target"]
    assert "CACGTG" in listed[0]["letters"]


def test_an_ensemble_answers_with_its_mean_and_spread(answers, run, sequence):
    model = load(run)
    with torch.no_grad():
        model.head[0].bias += 2
    save(run.member(1), model, read_card(run.member(0)))
    found = ask(answers, run, sequence, methods=[])["predictions"][0]
    scores = [float(predict(load(m), encode([sequence]))[0, 0]) for m in run.members()]
    assert found["score"] == pytest.approx(np.mean(scores))
    assert found["sd"] == pytest.approx(np.std(scores, ddof=1))


def test_of_several_outputs_the_one_named_is_explained(answers, run, sequence):
    options = {"detectors": 4, "width": 8, "hidden": 0}
    torch.manual_seed(0)
    model = MODELS["deepbind"].fn(**options, n_outputs=2)
    save(run.member(0), model, Card("deepbind", options, length=60, outputs=("first", "second")))
    facts = answers.answer({"do": "model", "run": str(run.path)})
    assert (facts["outputs"], facts["target"]) == (["first", "second"], "first")
    answer = ask(answers, run, sequence, target="second")
    assert [p["output"] for p in answer["predictions"]] == ["first", "second"]
    expected = explain.ism(load(run), encode([sequence]), target=1).values[0].numpy()
    slack = float(np.abs(expected).max()) / 200
    assert answer["target"] == "second"
    assert unpacked(answer, "ism") == pytest.approx(expected, abs=slack)


def test_a_model_that_was_written_again_is_loaded_again(answers, run, sequence):
    before = ask(answers, run, sequence)["predictions"][0]["score"]
    model = load(run)
    with torch.no_grad():
        model.head[0].bias += 1
    save(run.member(0), model, read_card(run.member(0)))
    assert ask(answers, run, sequence)["predictions"][0]["score"] == pytest.approx(before + 1)


def test_few_models_stay_loaded(answers, run, tmp_path, sequence):
    for i in range(KEPT + 2):
        copy = shutil.copytree(run.path, tmp_path / f"copy-{i}")
        ask(answers, Run(copy), sequence, methods=[])
    assert len(answers._models) == KEPT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing came"),
        (">only a header\n", "nothing came"),
        ("AC-GT", "'-' at letter 3"),
        (">a\nACGT\n>b\nACGT\n", "2 came"),
        ("ACGT\nACXT", "Line 2: 'X' at letter 3"),
        (">name\nAC1T", "Line 2: '1' at letter 3"),
        ("MKVMKVRYSWKM", "looks like protein"),
        ("AC", "4 to 20,000 bp was wanted, and 2 came"),
        ("A" * 20_001, "20,001 came"),
        ("ACGT\n>late\nACGT", "before the header"),
    ],
)
def test_what_is_no_sequence_is_refused_with_its_place(text, said):
    with pytest.raises(InputError, match=said.replace("(", "\\(")):
        read_sequence(text)


def test_a_model_of_further_inputs_says_why_it_cannot_be_asked(run, client, sequence):
    card = config.read_toml(run.member(0) / "model.toml")
    card["fields"] = {"neighbors": {"shape": [2, 50], "mirror": [0]}}
    config.write_toml(run.member(0) / "model.toml", card)
    facts = client.get(f"{URL}/model").json()
    assert not facts["ready"]
    assert "reads more than letters (neighbors)" in facts["why"]
    assert facts["outputs"] == ["bound"]
    assert "ism" in {m["name"] for m in facts["methods"]}  # a job can explain it
    refused = client.post(f"{URL}/ask", json={"sequence": sequence})
    assert refused.status_code == 400
    assert refused.json()["error"] == facts["why"]


def test_a_run_that_is_not_trained_yet_has_facts_too(answers, run):
    shutil.rmtree(run.member(0))
    facts = answers.answer({"do": "model", "run": str(run.path)})
    assert (facts["ready"], facts["model"], facts["length"]) == (False, "deepbind", None)
    assert "no trained network yet" in facts["why"]
    assert {m["name"] for m in facts["methods"] if m["prompt"]} == {"ism", "saliency"}


def test_facts_are_told_without_loading_or_running_the_model(answers, run, monkeypatch):
    def run_it(*_args, **_options):
        raise AssertionError

    monkeypatch.setattr("cisgram.dashboard.model_answers.LiveModel", run_it)
    assert answers.answer({"do": "model", "run": str(run.path)})["ready"]


def test_the_kind_of_a_network_says_what_it_is_made_of():
    """By the modules of each network that is built without further arguments."""
    settings = ExplainOptions()
    for name in ("deepbind", "danq", "demo-rnn", "demo-cnn-rnn", "transformer", "conv-attention"):
        modules = [*MODELS[name].fn(n_outputs=1).modules()]
        recurrent = any(isinstance(m, torch.nn.RNNBase) for m in modules)
        assert ("temporal" in offered(name, settings)) == recurrent
        assert offered(name, settings).get("temporal", False) == recurrent
    assert "attention" in offered("transformer", settings)
    assert "attention" not in offered("deepbind", settings)
    assert offered("my.own:network", settings)["temporal"] is False  # may be asked for


def test_a_method_that_does_not_fit_is_left_out_unless_it_was_asked_for(run, sequence, monkeypatch):
    monkeypatch.setattr(LiveModel, "offered", {"ism": True, "temporal": True})
    model = LiveModel(run)
    assert [s.method for s in model.ask(sequence).scores] == ["ism"]
    with pytest.raises(InputError, match="recurrent"):
        model.ask(sequence, methods=["temporal"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "must be a JSON object"),
        (b"[]", "must be a JSON object"),
        (b'{"sequence": 1' + b"0" * 5000 + b"}", "must be a JSON object"),
        (b"[" * 100_000, "must be a JSON object"),
        (b'"\xed\xa0\x80"', "must be a JSON object"),
        (b'{"sequence": "AC\\ud800GT"}', "half a character"),
        (b'{"sequence": "ACGT", "name": "\\uDFFF"}', "half a character"),
        (b"{}", "sequence must be str"),
        (b'{"sequence": "ACGT", "methods": "ism"}', "methods must be list"),
        (b'{"sequence": "ACGT", "methods": [1]}', "methods must be a list of names"),
        (b'{"sequence": "ACGT", "target": 1}', "target must be str"),
        (b'{"sequence": "ACGTACGTACGT", "target": "bond"}', "Did you mean 'bound'"),
        (b'{"sequence": "ACGTACGTACGT", "methods": ["isn"]}', "Did you mean 'ism'"),
    ],
)
def test_a_wrong_question_is_one_paragraph(client, body, said):
    refused = client.post(f"{URL}/ask", content=body)
    assert refused.status_code == 400
    assert said in refused.json()["error"]


def test_a_run_that_is_not_served_is_not_found(client):
    assert client.get("/api/runs/another/model").status_code == 404


def test_a_killed_model_process_is_one_sentence_and_the_next_question_a_new_one(
    client, live, sequence
):
    asked = {"sequence": sequence, "client": "page"}
    assert client.post(f"{URL}/ask", json=asked).status_code == 200
    old = live.worker.pid
    os.kill(old, signal.SIGKILL)
    answers = [client.post(f"{URL}/ask", json=asked) for _ in range(2)]
    assert answers[-1].status_code == 200
    assert answers[0].status_code in (200, 503)  # 200: its end was seen before the question
    if answers[0].status_code == 503:
        assert answers[0].json()["error"].count(".") == 1
    assert until(lambda: live.worker.pid) != old


def test_outputs_named_by_digits_are_asked_for_by_name(answers, run, sequence):
    options = {"detectors": 4, "width": 8, "hidden": 0}
    torch.manual_seed(0)
    names = ("1", "2", "3")
    save(run.member(0), MODELS["deepbind"].fn(**options, n_outputs=3),
         Card("deepbind", options, length=60, outputs=names))  # fmt: skip
    assert answers.answer({"do": "model", "run": str(run.path)})["target"] == "1"
    assert ask(answers, run, sequence, methods=[])["target"] == "1"
    for column, name in enumerate(names):
        answer = ask(answers, run, sequence, target=name)
        expected = explain.ism(load(run), encode([sequence]), target=column).values[0].numpy()
        slack = float(np.abs(expected).max()) / 200
        assert answer["target"] == name
        assert unpacked(answer, "ism") == pytest.approx(expected, abs=slack)
    assert ask(answers, run, sequence, target="0", methods=[])["target"] == "1"  # no name: a number


def test_a_model_longer_than_what_may_be_typed_is_warmed_at_its_own_length(run, monkeypatch):
    card = config.read_toml(run.member(0) / "model.toml")
    config.write_toml(run.member(0) / "model.toml", {**card, "length": LONGEST + 1})
    model = LiveModel(run)
    read = []
    monkeypatch.setattr(model, "_predicted", lambda data: read.append(data.codes.shape))
    model.warm()
    assert read == [(1, LONGEST + 1)]


def test_a_new_calibration_is_taken_up(answers, run, sequence):
    before = ask(answers, run, sequence, methods=[])["predictions"][0]
    halved = Calibrator("temperature", "classification", (((2.0,),),))
    files.write_json(run.path / CALIBRATION, halved.to_json())
    after = ask(answers, run, sequence, methods=[])["predictions"][0]
    assert after["score"] == before["score"]
    assert after["probability"] != before["probability"]
