"""The kinds of jobs: what a reader may ask for, as the command that does it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.ranges import read_ranges
from cisgram.core.run import Run
from cisgram.dashboard.errors import Refused

MOST_LETTERS = 4_000_000
"""Characters of pasted FASTA."""
MOST_LIST = 1_000
"""Characters of a list of neurons."""
INPUT = "input.fa"
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,80}")


@dataclass(frozen=True, slots=True)
class Plan:
    """A job before it is started.

    Attributes
    ----------
    title
        What it does, for the list.
    arguments
        Of the command ``cisgram``; each stands for itself, no shell reads them.
    result
        Where the result is seen: a hash of the page, or a folder of the run.
    """

    title: str
    arguments: tuple[str, ...]
    result: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job.

    Attributes
    ----------
    plan
        The job that a request asks for, of a run and with a folder, as `plan` takes them.
    takes
        What a request says beside its kind.
    """

    plan: Callable[[Run, Mapping[str, Any], Path], Plan]
    takes: tuple[str, ...] = ()


def plan(run: Run, body: Mapping[str, Any], folder: Path) -> Plan:
    """The job that a request asks for.

    Parameters
    ----------
    run
        The run that it works on.
    body
        ``kind`` and what that kind takes; see `KINDS`.
    folder
        Folder of the job, where pasted sequences are written.

    Raises
    ------
    Refused
        When a part of it is unknown or of a wrong form; the message names it.
    """
    name = body.get("kind")
    if not isinstance(name, str) or name not in KINDS:
        msg = f"kind must be one of {', '.join(KINDS)}; got {name!r:.40}."
        raise Refused(msg)
    kind = KINDS[name]
    for said in body:
        if said not in ("kind", *kind.takes):
            takes = ", ".join(kind.takes) or "nothing"
            msg = f"A job of the kind {name} takes {takes}; got {said!r:.60}."
            raise Refused(msg)
    return kind.plan(run, body, folder)


def _explain(run: Run, body: Mapping[str, Any], folder: Path) -> Plan:
    """Scores of the held-out sequences of the run, or of sequences that were pasted."""
    method = _word(body, "method")
    arguments = ["explain", method, _path(run)]
    if body.get("target") not in (None, ""):
        arguments.append(f"--target={_text(body, 'target')}")
    if body.get("most") is not None:
        arguments.append(f"--most={_count(body, 'most')}")
    pasted = body.get("sequences")
    if pasted in (None, ""):
        title = f"{method} of held-out sequences"
        return Plan(title, tuple(arguments), f"#sequences?methods={method}")
    n = _write_fasta(folder / INPUT, pasted)
    place = f"explain-given/{method}-{folder.name[:8]}"
    arguments += [f"--sequences={_resolved(folder / INPUT)}", f"--out={_path(run)}/{place}"]
    return Plan(f"{method} of {n} pasted sequence{'' if n == 1 else 's'}", tuple(arguments), place)


def _demix(run: Run, body: Mapping[str, Any], _folder: Path) -> Plan:
    """Motifs of some neurons of a layer, or of all."""
    arguments, of = ["demix", _path(run)], "the last convolution"
    if body.get("layer") not in (None, ""):
        of = _word(body, "layer")
        arguments.append(f"--layer={of}")
    numbers = neurons_of(body)
    if numbers is None:
        return Plan(f"demix all neurons of {of}", (*arguments, "--neuron=all"), "#neurons")
    asked = re.sub(r"\s", "", str(body["neuron"]))
    arguments.append(f"--neuron={asked}")
    if len(numbers) > 1:
        return Plan(f"demix neurons {asked} of {of}", tuple(arguments), "#neurons")
    view = f"#neurons?layer={of}&neuron={numbers[0]}" if body.get("layer") else "#neurons"
    return Plan(f"demix neuron {numbers[0]} of {of}", tuple(arguments), view)


def neurons_of(body: Mapping[str, Any]) -> tuple[int, ...] | None:
    """The neurons that a request names, by their numbers; ``None``: all of the layer.

    Raises
    ------
    Refused
        When it names none.
    """
    neuron = body.get("neuron")
    if neuron in (None, "", "all"):
        return None
    is_short = isinstance(neuron, str | int) and len(str(neuron)) <= MOST_LIST
    found = read_ranges(str(neuron)) if is_short else None
    if found is None:
        msg = f"neuron must be numbers from 0, such as 5 or 0,3,10-20, or all; got {neuron!r:.60}."
        raise Refused(msg)
    return found


def _motifs(run: Run, body: Mapping[str, Any], _folder: Path) -> Plan:
    """Motifs of a source, and their names."""
    source = _word(body, "source")
    return Plan(f"motifs of {source}", ("motifs", _path(run), f"--source={source}"), "#motifs")


def _grammar(run: Run, _body: Mapping[str, Any], _folder: Path) -> Plan:
    """Rules of the run's motifs."""
    return Plan("rules of the motifs", ("grammar", _path(run)), "#grammar")


def _trust(run: Run, _body: Mapping[str, Any], _folder: Path) -> Plan:
    """What to believe of the run."""
    return Plan("checks of trust", ("trust", _path(run)), "#trust")


KINDS: Mapping[str, Kind] = {
    "explain": Kind(_explain, takes=("method", "target", "most", "sequences")),
    "demix": Kind(_demix, takes=("layer", "neuron")),
    "motifs": Kind(_motifs, takes=("source",)),
    "grammar": Kind(_grammar),
    "trust": Kind(_trust),
}


def kept_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What of a request that `plan` took is kept, for `plan` to be asked again.

    Pasted sequences lie in `INPUT`.

    Examples
    --------
    >>> kept_of({"kind": "explain", "method": "ism", "most": None, "sequences": "ACGT"})
    {'kind': 'explain', 'method': 'ism', 'pasted': True}
    """
    kind = body["kind"]
    kept = {name: body[name] for name in KINDS[kind].takes if body.get(name) is not None}
    is_pasted = kept.pop("sequences", "") != ""
    return {"kind": kind, **kept, **({"pasted": True} if is_pasted else {})}


def _write_fasta(path: Path, pasted: object) -> int:
    """Write pasted sequences and give their number; nothing is left where they are no FASTA."""
    from cisgram import io  # numpy: not before there is a file to read

    if not isinstance(pasted, str):
        msg = f"sequences must be FASTA text; got {type(pasted).__name__}."
        raise Refused(msg)
    if len(pasted) > MOST_LETTERS:
        msg = (
            f"At most {MOST_LETTERS:,} characters of FASTA can be pasted; got {len(pasted):,}. "
            "Give the file to 'cisgram explain METHOD RUN --sequences F'."
        )
        raise Refused(msg)
    files.write_text(path, pasted if pasted.lstrip().startswith(">") else f">pasted\n{pasted}")
    try:
        return len(io.read_fasta(path))
    except InputError as error:
        path.unlink()
        raise Refused(str(error).replace(str(path), "The pasted text")) from error


def _word(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not _WORD.fullmatch(value) or value.startswith("-"):
        msg = f"{name} must be a name of letters, digits, and . _ : -; got {value!r:.60}."
        raise Refused(msg)
    return value


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.isprintable() or len(value) > 200:
        msg = f"{name} must be one line of text; got {value!r:.60}."
        raise Refused(msg)
    return value


def _count(body: Mapping[str, Any], name: str, *, least: int = 1) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 10**9:
        msg = f"{name} must be a whole number from {least}; got {value!r:.60}."
        raise Refused(msg)
    return value


def _path(run: Run) -> str:
    return _resolved(run.path)


def _resolved(path: Path) -> str:
    return str(path.resolve())
