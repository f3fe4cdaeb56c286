"""Tables of numbers, and h5ad."""

import gzip

import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.io import read_matrix


def test_a_table_is_read_with_its_holes(tmp_path):
    path = tmp_path / "m.tsv"
    path.write_text("gene\ta\tb\nx\t1\tNA\ny\t\t-2.5e1\n")
    found = read_matrix(path)
    assert (found.rows, found.columns) == (("x", "y"), ("a", "b"))
    np.testing.assert_array_equal(found.values, [[1, np.nan], [np.nan, -25]])
    turned = found.turned()
    assert turned.rows == ("a", "b")
    np.testing.assert_array_equal(turned.values, found.values.T)


def test_a_header_without_the_corner_and_a_zipped_csv_are_read(tmp_path):
    path = tmp_path / "m.csv.gz"
    path.write_bytes(gzip.compress(b'a,b\n"x, 1",1,2\ny,3,4\n'))
    found = read_matrix(path)
    assert (found.rows, found.columns) == (("x, 1", "y"), ("a", "b"))
    assert found.values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("g\ta\tb\nx\t1\n", "line 2: 2 cells, 3 in the header"),
        ("g\ta\nx\tone\n", "line 2: column 'a' must hold numbers; got 'one'"),
        ("g\ta\nx\tinf\n", "finite"),
        ("g\ta\tb\n", "holds no matrix"),
        ("g\nx\n", "holds no matrix"),
    ],
)
def test_what_is_no_matrix_is_refused_with_its_line(tmp_path, text, said):
    path = tmp_path / "m.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_matrix(path)


@pytest.mark.parametrize("form", ["dense", "csr", "csc"])
def test_the_matrix_of_an_h5ad_file_is_read(tmp_path, form):
    h5py = pytest.importorskip("h5py")
    from scipy import sparse

    values = np.array([[0.0, 2, 0], [3, 0, 4]])
    path = tmp_path / "m.h5ad"
    with h5py.File(path, "w") as file:
        if form == "dense":
            file["X"] = values
        else:
            stored = (sparse.csr_array if form == "csr" else sparse.csc_array)(values)
            group = file.create_group("X")
            group.attrs["encoding-type"], group.attrs["shape"] = f"{form}_matrix", values.shape
            for part in ("data", "indices", "indptr"):
                group[part] = getattr(stored, part)
        for side, names in (("obs", ["c1", "c2"]), ("var", ["g1", "g2", "g3"])):
            file.create_group(side).create_dataset("_index", data=names)
            file[side].attrs["_index"] = "_index"
    found = read_matrix(path)
    assert found.rows == ("c1", "c2")
    assert found.columns == ("g1", "g2", "g3")
    assert found.values.tolist() == values.tolist()


def test_other_hdf5_files_are_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["Y"] = [1]
    with pytest.raises(InputError, match="no h5ad file"):
        read_matrix(tmp_path / "m.h5")


@pytest.mark.data
def test_real_matrices_have_the_sizes_of_their_readme(data_dir):
    pytest.importorskip("h5py")
    later = data_dir / "later"
    cells = read_matrix(later / "pbmc_10k_protein_v3.h5ad")
    assert cells.values.shape == (200, 16_727)
    assert np.array_equal(cells.values, np.round(cells.values))
    assert read_matrix(later / "squidpy_test_data.h5ad").values.shape == (49, 1999)
    tissues = read_matrix(later / "decode_toy_expdata.txt.gz")
    assert tissues.values.shape == (2742, 53)
    assert tissues.rows[0] == "ENSG00000268903"
