"""What a job may ask for: the form of a request, and what the model of the run has."""

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from cisgram.core import config
from cisgram.core.errors import InputError
from cisgram.dashboard.errors import Refused
from cisgram.dashboard.job_checks import check
from cisgram.dashboard.job_kinds import plan
from cisgram.dashboard.live import Live
from cisgram.dashboard.worker import ModelWorker
from cisgram.models import MODELS, Card, save
from dashboard.waiting import SLUG, until

URL = f"/api/runs/{SLUG}/jobs"
HELD_OUT = {"kind": "motifs", "source": "filters"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "kind must be one of explain, demix, motifs"),
        ({"kind": ["explain"]}, "kind must be"),
        ({"kind": "explain"}, "method must be a name"),
        ({"kind": "explain", "method": "--help"}, "method must be a name"),
        ({"kind": "explain", "method": "ism; rm -rf /"}, "method must be a name"),
        ({"kind": "explain", "method": "ism", "most": True}, "most must be a whole number"),
        ({"kind": "explain", "method": "ism", "target": "a\nb"}, "target must be one line"),
        ({"kind": "explain", "method": "ism", "sequences": 3}, "sequences must be FASTA"),
        ({"kind": "explain", "method": "ism", "sequences": ">a\nAC*T\n"}, "no nucleotide"),
        ({"kind": "demix", "layer": "../x"}, "layer must be a name"),
        ({"kind": "demix", "neuron": -1}, "neuron must be numbers from 0"),
        ({"kind": "demix", "neuron": True}, "neuron must be numbers from 0"),
        ({"kind": "demix", "neuron": 1.5}, "neuron must be numbers from 0"),
        ({"kind": "demix", "neuron": "3-"}, "such as 5 or 0,3,10-20, or all; got '3-'"),
        ({"kind": "demix", "neuron": "9-3"}, "neuron must be numbers from 0"),
        ({"kind": "demix", "neuron": "0-999999999"}, "neuron must be numbers from 0"),
        ({"kind": "demix", "neuron": "1," * 600 + "1"}, "neuron must be numbers from 0"),
        ({"kind": "motifs", "source": "-x"}, "source must be a name"),
        ({"kind": "demix", "layers": "conv1"}, "demix takes layer, neuron; got 'layers'"),
        ({"kind": "motifs", "source": "filters", "x" * 99: 1}, "motifs takes source; got 'xxx"),
    ],
)
def test_a_wrong_request_is_refused_and_leaves_nothing(client, run, body, said):
    refused = client.post(URL, json=body)
    assert refused.status_code == 400
    assert said in refused.json()["error"]
    assert str(run.path) not in refused.json()["error"]
    assert not [p for p in (run.path / "jobs").glob("*") if p.is_dir()]


def test_too_much_pasted_text_is_refused(run, tmp_path):
    body = {"kind": "explain", "method": "ism", "sequences": "A" * 4_000_001}
    with pytest.raises(Refused, match="At most 4,000,000 characters"):
        plan(run, body, tmp_path)


def test_arguments_stand_for_themselves(run, tmp_path):
    body = {"kind": "explain", "method": "ism", "target": "--out=/etc $(id)"}
    assert "--target=--out=/etc $(id)" in plan(run, body, tmp_path).arguments


@pytest.mark.parametrize(
    ("neuron", "given", "title"),
    [
        (5, "5", "demix neuron 5 of conv1"),
        ("5", "5", "demix neuron 5 of conv1"),
        ("0, 3,10-20", "0,3,10-20", "demix neurons 0,3,10-20 of conv1"),
        ("all", "all", "demix all neurons of conv1"),
        (None, "all", "demix all neurons of conv1"),
    ],
)
def test_neurons_are_named_as_on_the_command_line(run, tmp_path, neuron, given, title):
    planned = plan(run, {"kind": "demix", "layer": "conv1", "neuron": neuron}, tmp_path)
    assert planned.arguments[-1] == f"--neuron={given}"
    assert planned.title == title
    is_one = given == "5"
    assert planned.result == ("#neurons?layer=conv1&neuron=5" if is_one else "#neurons")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "explain", "method": "isn"}, "Did you mean 'ism'? Known: "),
        ({"kind": "explain", "method": "epistasis"}, "epistasis gives a"),
        ({"kind": "explain", "method": "temporal"}, "temporal needs recurrent layers, and"),
        ({"kind": "explain", "method": "ism", "target": "bond"}, "mean 'bound'? Known: bound"),
        ({"kind": "explain", "method": "ism", "target": "3"}, "one output, bound; got the"),
        ({"kind": "demix", "layer": "conv9", "neuron": 0}, "Known: conv1, conv2, output"),
        ({"kind": "demix", "layer": "conv1", "neuron": 4}, "the neurons 0 to 3; got 4"),
        ({"kind": "demix", "layer": "conv1", "neuron": "0,2-9"}, "the neurons 0 to 3; got 4"),
        ({"kind": "demix", "neuron": 99}, "conv2 has the neurons 0 to 3; got 99"),
        ({"kind": "motifs", "source": "filter"}, "Did you mean 'filters'? Known: class_optim"),
        ({"kind": "motifs", "source": "demix"}, "Run 'cisgram demix RUN' first"),
    ],
)
def test_what_the_model_has_not_is_refused(run, body, said):
    plan(run, body, run.path / "jobs" / "x")  # of the right form
    with pytest.raises(InputError, match=re.escape(said)):
        check(run, body)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "explain", "method": "ism", "target": "bound"},
        {"kind": "explain", "method": "ism", "target": ""},
        {"kind": "demix", "layer": "conv1", "neuron": "0-3"},
        {"kind": "demix"},
        {"kind": "motifs", "source": "filters"},
    ],
)
def test_what_the_model_has_is_not_refused(run, body):
    check(run, body)


def test_options_and_structures_of_a_method_are_those_of_the_settings(run):
    settings = run.read()
    asked = {"kind": "explain", "method": "temporal"}
    settings["settings"]["explain"] = {"options": {"temporal": {"mode": "padded"}}}
    config.write_toml(run.toml, settings)
    check(run, asked)  # does without recurrent layers
    settings["settings"]["explain"] = {"options": {"temporal": {"mod": "padded"}}}
    config.write_toml(run.toml, settings)
    with pytest.raises(InputError, match="Did you mean 'mode'"):
        check(run, asked)


def test_a_wrong_job_is_refused_when_it_is_asked_for_and_leaves_nothing(client, run):
    refused = client.post(URL, json={"kind": "demix", "layer": "conv9", "neuron": 0})
    assert refused.status_code == 400
    assert "Known: conv1, conv2, output" in refused.json()["error"]
    assert str(run.path) not in refused.json()["error"]
    assert not [p for p in (run.path / "jobs").glob("*") if p.is_dir()]


def test_of_several_outputs_one_must_be_named(run):
    options = {"detectors": 4, "width": 8, "hidden": 0}
    card = Card("deepbind", options, length=60, outputs=("first", "second"))
    save(run.member(0), MODELS["deepbind"].fn(**options, n_outputs=2), card)
    with pytest.raises(InputError, match="The model has the outputs first, second"):
        check(run, {"kind": "explain", "method": "ism"})
    check(run, {"kind": "explain", "method": "ism", "target": "second"})


def test_a_run_that_is_not_trained_or_lost_its_data_gets_no_job(run):
    (run.path.parent / "a.tsv").rename(run.path.parent / "b.tsv")
    for body in ({"kind": "explain", "method": "ism"}, HELD_OUT):
        with pytest.raises(InputError, match=r"The positives file .* does not exist"):
            check(run, body)
    check(run, {"kind": "explain", "method": "ism", "pasted": True})  # needs none of it
    (run.member(0) / "weights.safetensors").unlink()
    with pytest.raises(InputError, match="no trained network yet"):
        check(run, {"kind": "demix"})


def test_a_job_is_started_when_the_model_cannot_tell_in_time(run):
    live = Live({SLUG: run}, worker=ModelWorker(limit=0.01))
    with TestClient(Starlette(routes=live.routes()), base_url="http://127.0.0.1") as client:
        job = client.post(URL, json={"kind": "demix", "layer": "conv9"}).json()
        ended = until(
            lambda: (j := client.get(f"{URL}/{job['id']}").json())["state"] == "failed" and j
        )
        client.portal.call(live.close)
    assert "conv9" in ended["error"]
    assert "conv1" in ended["error"]  # what there is
