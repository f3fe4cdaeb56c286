"""Class optimization of a run: what its network wants to see."""

from __future__ import annotations

from cisgram import explain
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.models import read_card
from cisgram.seq import decode
from cisgram.steps.motif_job import Found, MotifJob


def class_optimization(job: MotifJob) -> Found:
    """Letters that raise the output most, with the strongest motif first.

    Beside the motifs, writes ``motifs/class_optimization.fa``: the best sequence of each start,
    with its output. The facts are ``gain`` (output above the same letters in another order, in
    logits for a classification) and ``starts`` (that ended in the motif).

    Raises
    ------
    InputError
        When no letters raise the output.
    """
    import pandas as pd

    job.say("optimizing letters")
    length = read_card(job.run.member(0)).length
    best = explain.class_optimization(
        job.model, length, target=job.column, seed=job.settings.train.seed
    )
    if len(best.motifs) == 0:
        msg = (
            "No letters raise the output beyond what their mere composition does: the network "
            "learned no motif that class optimization can find."
        )
        raise InputError(msg)
    lines = [
        f">start_{i} output={value:.4f}\n{sequence}\n"
        for i, (sequence, value) in enumerate(
            zip(decode(best.sequences), best.values.tolist(), strict=True)
        )
    ]
    files.write_text(job.run.path / "motifs" / "class_optimization.fa", "".join(lines))
    facts = {
        "motif": best.motifs.names,
        "gain": [round(g, 4) for g in best.gains.tolist()],
        "starts": [int(m.n_sites or 0) for m in best.motifs],
    }
    return best.motifs, pd.DataFrame(facts)
