"""JASPAR without a download, and the forms of --database."""

import subprocess
import sys

import numpy as np
import pytest

from cisgram.core.errors import InputError, UnknownName
from cisgram.motifs import Motif, database, jaspar, read_motifs, write_meme


@pytest.mark.parametrize(
    ("taxon", "release", "n"),
    [
        ("vertebrates", "JASPAR2024", 879),
        ("fungi", "JASPAR2024", 178),
        ("insects", "JASPAR2024", 286),
        ("plants", "JASPAR2024", 805),
        ("vertebrates", "JASPAR2020", 746),
        ("vertebrates", "JASPAR2026", 1019),
    ],
)
def test_a_release_has_as_many_motifs_as_the_site_says(taxon, release, n):
    assert len(jaspar(taxon, release=release)) == n


def test_the_counts_of_a_profile_are_those_of_the_site():
    arnt = jaspar()["MA0004.1"]
    assert (arnt.name, arnt.consensus, arnt.n_sites) == ("Arnt", "CACGTG", 20)
    assert (arnt.ppm[:, 0] * 20).round(9).tolist() == [4, 16, 0, 0]


def test_only_the_newest_version_of_a_profile_is_given():
    bases = [m.id.split(".")[0] for m in jaspar()]
    assert len(set(bases)) == len(bases)


@pytest.mark.parity
@pytest.mark.parametrize("taxon", ["fungi", "nematodes"])
def test_matrices_are_those_that_pyjaspar_gives(taxon):
    pyjaspar = pytest.importorskip("pyjaspar")
    theirs = pyjaspar.jaspardb(release="JASPAR2024").fetch_motifs(
        collection="CORE", tax_group=[taxon]
    )
    ours = jaspar(taxon)
    assert {m.id: m.name for m in ours} == {m.matrix_id: m.name for m in theirs}
    for m in theirs:
        counts = np.array([m.counts[b] for b in "ACGT"])
        np.testing.assert_allclose(ours[m.matrix_id].ppm, counts / counts.sum(0))


@pytest.mark.data
def test_matrices_are_those_of_the_published_file(data_dir):
    name = "JASPAR2024_CORE_vertebrates_non-redundant_pfms_transfac.txt.gz"
    for m in read_motifs(data_dir / "motifs" / name):
        np.testing.assert_allclose(jaspar()[m.id].ppm, m.ppm)


def test_an_unknown_taxon_gets_the_nearest_and_the_list():
    with pytest.raises(UnknownName, match=r"Did you mean 'vertebrates'\?.*fungi.*plants"):
        jaspar("vertebrate")


def test_an_unknown_release_gets_the_list():
    with pytest.raises(UnknownName, match="JASPAR2024"):
        jaspar("fungi", release="JASPAR2025")


def test_a_database_is_a_taxon_a_release_or_a_file(tmp_path):
    write_meme(tmp_path / "own.meme", [Motif(np.eye(4), "own")])
    assert len(database("jaspar:fungi")) == 178
    assert len(database("JASPAR2020:vertebrates")) == 746
    assert database(tmp_path / "own.meme").names == ["own"]
    with pytest.raises(InputError, match="jaspar:vertebrates"):
        database("jaspar-fungi")


def test_jaspar_needs_neither_torch_nor_pandas_nor_biopython():
    code = (
        "import sys; from cisgram import motifs; motifs.jaspar(); "
        "print([m for m in ('torch', 'pandas', 'Bio', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
