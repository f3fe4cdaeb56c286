"""Sites that all have one state in every cell, of which nothing can be learned."""

import pytest

import planted
from cisgram.core.errors import InputError
from cisgram.data.options import DataOptions
from cisgram.data.prepare import prepare


def test_sites_of_one_state_ask_for_other_sites_and_not_for_negatives(tmp_path):
    cells = []
    for name in ("a", "b"):
        rows = [f"chr{c}\t{100 * i}\t1\n" for c in range(4) for i in range(1, 40)]
        (tmp_path / f"{name}.bed").write_text("".join(rows))
        cells.append(str(tmp_path / f"{name}.bed"))
    sites = [f"chr{c}\t{100 * i - 1}\t{100 * i}\n" for c in range(4) for i in range(1, 40)]
    (tmp_path / "s.bed").write_text("".join(sites))
    contigs = [f">chr{c}\n{s}\n" for c, s in enumerate(planted.letters(4, 4000))]
    (tmp_path / "g.fa").write_text("".join(contigs))
    options = DataOptions(
        positives=str(tmp_path / "s.bed"), genome=str(tmp_path / "g.fa"), methylation=tuple(cells),
        length=9, neighbors=2, valid_chromosomes=("chr1",), test_chromosomes=("chr2",),
    )  # fmt: skip
    with pytest.raises(InputError, match="has the same state there; give sites of both") as error:
        prepare(options)
    assert "negatives" not in str(error.value)
