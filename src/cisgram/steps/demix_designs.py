"""Designs of demixed neurons as entries of their files, and as FASTA."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from cisgram.core.errors import InputError
from cisgram.explain.demix import (
    DemixedNeuron,
    Layer,
    Syntax,
    designed,
    designed_sequences,
    output_search,
    plain_design,
    plan_of,
)
from cisgram.explain.demix.reader import Codes, Reader, reader
from cisgram.io.fasta import write_fasta
from cisgram.io.sequences import Sequences
from cisgram.report.demixed import read_neuron
from cisgram.seq.alphabet import from_codes


@dataclass(frozen=True)
class Designer:
    """Designs from the neurons of one layer of a run.

    Attributes
    ----------
    layer
        Where the neurons are.
    last
        The layer ``output`` of the same model.
    column
        The output that is read beside the neurons.
    output
        It as a function, (n, 4, length) -> (n,).
    seed
        Of all that is drawn.
    """

    layer: Layer
    last: Layer
    column: int
    output: Callable[[torch.Tensor], torch.Tensor]
    seed: int

    @cached_property
    def read(self) -> Reader:
        """How the neurons are read."""
        return reader(self.layer.window)

    @cached_property
    def driven(self) -> Codes:
        """What a search by the output's gradient finds: the same for all neurons, so done once."""
        return output_search(self.last, self.column, seed=self.seed)

    def plain(
        self, found: DemixedNeuron, grammar: Syntax, names: Sequence[str]
    ) -> dict[str, Any] | None:
        """The entry ``design`` of a neuron's file; None where nothing can be designed."""
        if not found.motifs:
            return None
        design = designed(
            self.layer,
            found.neuron,
            found,
            grammar,
            output=self.output,
            driven=self.driven,
            read=self.read,
            seed=self.seed,
        )
        return plain_design(design, names)

    def write(self, folder: Path, neuron: int, *, n: int) -> Path | None:
        """Write ``n`` sequences designed from a neuron's file; None where there is no design.

        A name is the neuron and a number; behind it stand the neuron's value, the output, and
        each motif with its strand and start (bp from 0).

        Raises
        ------
        InputError
            When the neuron's file is damaged.
        """
        path = folder / f"{neuron}.json"
        value = read_neuron(path)
        design = value.get("design")
        if design is None:
            return None
        names = [m["name"] for m in value["motifs"]]
        try:
            plan = plan_of(design, names, value["width"])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            msg = f"{path}: its design cannot be read. Delete it and run 'cisgram demix' again."
            raise InputError(msg) from error
        codes, starts, values, outputs = designed_sequences(
            self.layer, neuron, plan, n=n, output=self.output, seed=self.seed
        )
        slots = [f"{name}{strand}" for name, strand in design["slots"]]
        headers = [
            f"{self.layer.name}.{neuron}.design{i} neuron={v:.6g} output={y:.6g} "
            + " ".join(f"{slot}:{s}" for slot, s in zip(slots, row, strict=True))
            for i, (v, y, row) in enumerate(zip(values, outputs, starts.tolist(), strict=True), 1)
        ]
        out = fasta_of(folder, neuron)
        write_fasta(out, Sequences(headers, from_codes(codes)))
        return out


def fasta_of(folder: Path, neuron: int) -> Path:
    """Where the sequences designed from a neuron lie."""
    return folder / f"{neuron}.designed.fa"
