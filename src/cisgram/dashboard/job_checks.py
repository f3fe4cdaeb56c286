"""What is wrong with a job can be said before it is started: asked in the process with models.

Nothing is trained or explained, and no data are read: names, numbers and settings are compared
with the card of the model, and with its layers where the job names one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.dashboard.job_kinds import neurons_of
from cisgram.dashboard.model_facts import is_trained
from cisgram.explain.demix import find_layer, layers
from cisgram.explain.demix.neurons import check_neuron
from cisgram.models import load, probe, read_card
from cisgram.steps import settings_of
from cisgram.steps.demix import check_demixed
from cisgram.steps.explain import asked_of
from cisgram.steps.motifs import check_source
from cisgram.steps.offered import lacking, offered
from cisgram.steps.train import input_files

NO_NETWORK = (
    "This run has no trained network yet, so there is nothing that a job could work on. Start it "
    "when the training has ended; the view Training shows how far it is."
)


def check(run: Run, body: Mapping[str, Any]) -> None:
    """Refuse a job that would come to nothing.

    Parameters
    ----------
    run
        The run that it is to work on.
    body
        What is asked for, as `job_kinds.kept_of` keeps it.

    Raises
    ------
    InputError
        Naming what there is.
    """
    if not is_trained(run.member(0)):
        raise InputError(NO_NETWORK)
    own = CHECKS.get(body["kind"])
    if own is not None:
        own(run, body)


def _explain(run: Run, body: Mapping[str, Any]) -> None:
    method = body["method"]
    asked = asked_of(run, method, target=body.get("target") or None)
    name, needs = asked.card.name, lacking(asked.card.name, method, asked.options)
    if needs:
        others = ", ".join(sorted(offered(name, asked.settings.explain)))
        msg = f"{method} needs {needs}, and {name} has none. Take one of {others}."
        raise InputError(msg)
    if not body.get("pasted"):
        input_files(asked.settings)


def _demix(run: Run, body: Mapping[str, Any]) -> None:
    every = layers(load(run), length=read_card(run.member(0)).length)
    layer = find_layer(every, body.get("layer") or None)
    for number in neurons_of(body) or ():
        check_neuron(layer, number)


def _motifs(run: Run, body: Mapping[str, Any]) -> None:
    source, settings = body["source"], settings_of(run)
    check_source(source)
    if source == "demix":
        check_demixed(run)
    if source == "filters":
        length = read_card(run.member(0)).length
        probe.find_layer(probe.core(load(run)), settings.motifs.layer or None, length=length)
    input_files(settings)


CHECKS: Mapping[str, Callable[[Run, Mapping[str, Any]], None]] = {
    "explain": _explain,
    "demix": _demix,
    "motifs": _motifs,
}
"""What is checked of a kind of job beside that the run is trained."""
