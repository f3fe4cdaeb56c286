"""Motif files: read right, or refused with file, line and remedy."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cisgram.core.errors import CisgramError, InputError
from cisgram.motifs import (
    Motif,
    read_homer,
    read_jaspar,
    read_meme,
    read_motifs,
    read_transfac,
    write_jaspar,
    write_meme,
)

MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.3 C 0.2 G 0.2 T 0.3

MOTIF MA0001.1 first
letter-probability matrix: alength= 4 w= 3 nsites= 20 E= 0
 0.250000  0.250000  0.250000  0.250000
 0.100000  0.200000  0.300000  0.400000
 0.000000  0.000000  0.000000  1.000000
URL http://example.org/MA0001.1

MOTIF second
letter-probability matrix:
0.5 0.5 0 0
0 0 0.5 0.5
"""
JASPAR = """>MA0004.1\tArnt
A  [     4     19      0 ]
C  [    16      0     20 ]
G  [     0      1      0 ]
T  [     0      0      0 ]
>MA0006.1 Ahr::Arnt
A [3 0]
C [8 0]
G [2 23]
T [11 1]
"""
RAW = ">MA0004.1 Arnt\n4 19 0\n16 0 20\n0 1 0\n0 0 0\n"
UPRIGHT = "# gimmemotifs\n>MA0004.1_Arnt\n4.0\t16.0\t0.0\t0.0\n19\t0\t1\t0\n0\t20\t0\t0\n"
TRANSFAC = """VV a collection
XX
//
AC MA0004.1
XX
ID Arnt
DE MA0004.1 Arnt ; From JASPAR
PO\tA\tC\tG\tT
01\t4.0\t16.0\t0.0\t0.0\tC
02\t19.0\t0.0\t1.0\t0.0\tA
03\t0.0\t20.0\t0.0\t0.0\tC
XX
CC tax_group:vertebrates
//
"""
HOMER = """>CAC\tArnt(bHLH)/Homer\t6.5\t-100.1\t0\tT:10(5%)
0.200\t0.797\t0.001\t0.001
0.949\t0.001\t0.049\t0.001
0.001\t0.997\t0.001\t0.001
"""
VALID = {"meme": MEME, "jaspar": JASPAR, "transfac": TRANSFAC, "homer": HOMER}


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes, name: str = "motifs.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_a_meme_file_is_read_by_hand(write):
    motifs = read_meme(write(MEME))
    assert [(m.id, m.name, m.n_sites, m.width) for m in motifs] == [
        ("MA0001.1", "first", 20.0, 3),
        ("second", "second", None, 2),
    ]
    assert motifs[0].ppm[:, 1].tolist() == [0.1, 0.2, 0.3, 0.4]
    np.testing.assert_allclose(motifs[0].background, (0.3, 0.2, 0.2, 0.3))


@pytest.mark.parametrize("text", [JASPAR, RAW, UPRIGHT, TRANSFAC])
def test_every_count_format_gives_the_same_matrix(write, text):
    motif = read_motifs(write(text))[0]
    assert motif.id.startswith("MA0004.1")
    assert motif.n_sites == 20
    assert (motif.ppm * 20).round(9).tolist() == [[4, 19, 0], [16, 0, 20], [0, 1, 0], [0, 0, 0]]


def test_a_homer_file_is_read_by_hand(write):
    motif = read_motifs(write(HOMER))[0]
    assert motif.name == "Arnt(bHLH)/Homer"
    assert motif.consensus == "CAC"


def test_the_columns_of_a_transfac_heading_may_stand_in_any_order(write):
    text = "ID x\nP0 T G C A\n01 1 2 3 4\n//\n"
    assert (read_transfac(write(text))[0].ppm[:, 0] * 10).round(9).tolist() == [4, 3, 2, 1]


def test_a_square_is_upright_only_where_the_file_says_so(write):
    square = ">s\n10 0 0 0\n10 0 0 0\n10 0 0 0\n10 0 0 0\n"
    with pytest.raises(InputError, match="no count at position 1"):
        read_jaspar(write(square))  # rows are bases: three columns are empty
    assert read_jaspar(write(square + ">u\n1 2 3 4\n"))[0].consensus == "AAAA"


def test_probabilities_in_a_matrix_file_are_no_counts(write):
    motif = read_jaspar(write(">p\n0.1\n0.2\n0.3\n0.4\n"))[0]
    assert motif.n_sites is None
    np.testing.assert_allclose(motif.ppm[:, 0], [0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("form", ["gz", "crlf", "cr", "bom", "latin-1", "trailing blanks"])
@pytest.mark.parametrize("format_", VALID)
def test_common_oddities_change_nothing(write, form, format_):
    text = VALID[format_]
    expected = read_motifs(write(text, "plain"))
    odd = {
        "gz": gzip.compress(text.encode()),
        "crlf": text.replace("\n", "\r\n").encode(),
        "cr": text.replace("\n", "\r").encode(),
        "bom": b"\xef\xbb\xbf" + text.encode(),
        "latin-1": text.encode() + ("URL \xe9\n" if format_ == "meme" else "").encode("latin-1"),
        "trailing blanks": text.replace("\n", "  \n").encode(),
    }[form]
    got = read_motifs(write(odd, "odd.txt"))
    assert [(m.id, m.name, m.n_sites) for m in got] == [(m.id, m.name, m.n_sites) for m in expected]
    assert all((a.ppm == b.ppm).all() for a, b in zip(got, expected, strict=True))


def test_log_odds_are_skipped_with_a_note(write):
    text = MEME.replace(
        "MOTIF second\n",
        "MOTIF odds\nlog-odds matrix: alength= 4 w= 1\n-1 2 3 4\n"
        "\nMOTIF second\nlog-odds matrix: alength= 4 w= 1\n1 2 3 -4\n\n",
    )
    motifs = read_meme(write(text))
    assert motifs.names == ["first", "second"]
    assert "odds" in motifs.skipped[0]
    assert motifs.skipped[1].startswith("2 log-odds")


def test_full_meme_output_is_read(write):
    text = """MEME version 5.5.0
ALPHABET "DNA" DNA-LIKE
A "Adenine" CC0000 ~ T "Thymine" 008000
N = ACGT
END ALPHABET
Background letter frequencies (from dataset with add-one prior applied):
A 0.3 C 0.2
G 0.2 T 0.3
********
MOTIF TGACTCA MEME-1\twidth =   2  sites =  17  llr = 12  E-value = 1.2e-5
********
\tMotif TGACTCA MEME-1 position-specific scoring matrix
--------
log-odds matrix: alength= 4 w= 2 n= 10 bayes= 1 E= 1.2e-5
 -10 20 30 -40
 -10 20 30 -40
--------
letter-probability matrix: alength= 4 w= 2 nsites= 17 E= 1.2e-005
 0.1 0.2 0.3 0.4
 0.4 0.3 0.2 0.1
--------
"""
    motif = read_meme(write(text))[0]
    assert (motif.id, motif.name, motif.n_sites, motif.width) == ("TGACTCA", "MEME-1", 17, 2)


WRONG = {
    "no version": (MEME[15:], 2, "MEME version"),
    "rna": (MEME.replace("ACGT", "ACGU"), 3, "Only DNA"),
    "protein": (MEME.replace("ACGT", "ACDEFGHIKLMNPQRSTVWY"), 3, "Only DNA"),
    "alength": (MEME.replace("alength= 4", "alength= 20"), 11, "alength"),
    "w too large": (MEME.replace("w= 3", "w= 4"), 11, "4 rows"),
    "w too small": (MEME.replace("w= 3", "w= 2"), 11, "2 rows"),
    "cut in a row": (MEME[: MEME.index("0.300000")], 13, "four probabilities"),
    "cut in a matrix": (MEME[: MEME.index(" 0.000000  0.0")], 11, "3 rows"),
    "cut before a matrix": (MEME[: MEME.index("letter-prob")], 10, "no letter-probability"),
    "nan": (MEME.replace("0.300000", "nan"), 13, "not negative"),
    "negative": (MEME.replace("0.300000", "-0.3"), 13, "not negative"),
    "infinite": (MEME.replace("0.300000", "1e999"), 13, "not negative"),
    "underscore": (MEME.replace("0.300000", "0.3_0"), 13, "not negative"),
    "word": (MEME.replace("0.300000", "zero"), 13, "not negative"),
    "sum": (MEME.replace("0.300000", "0.9"), 13, "not 1"),
    "counts": (MEME.replace(" 0.100000  0.200000", "10 20"), 13, "Counts belong"),
    "five numbers": (MEME.replace("0.300000", "0.3 0"), 13, "four probabilities"),
    "background": (MEME.replace("A 0.3 C", "A 0.3 X"), 8, "background"),
    "background sum": (MEME.replace("A 0.3 C", "A 0.9 C"), 8, "sum 1"),
    "no name": (MEME.replace("MOTIF second", "MOTIF"), 17, "without a name"),
    "no MOTIF line": (MEME.replace("MOTIF second\n", ""), 17, "MOTIF line"),
    "jaspar title": (JASPAR.replace(">MA0006.1 Ahr::Arnt", ">"), 6, "without a name"),
    "jaspar rows": (JASPAR.replace("T [11 1]\n", ""), 6, "four rows"),
    "jaspar columns": (JASPAR.replace("[11 1]", "[11]"), 6, "must agree"),
    "jaspar base twice": (JASPAR.replace("T [11 1]", "A [11 1]"), 10, "each base once"),
    "jaspar no matrix": (JASPAR + ">x\n", 11, "no matrix"),
    "jaspar empty column": (JASPAR.replace("16 ", " 0 ").replace(" 4 ", " 0 "), 1, "no count"),
    "jaspar word": (JASPAR.replace("[8 0]", "[8 x]"), 8, "not negative"),
    "transfac cut": (TRANSFAC[:-3], 4, "cut"),
    "transfac gap": (TRANSFAC.replace("02\t", "04\t"), 10, "row 1"),
    "transfac heading": (TRANSFAC.replace("A\tC\tG\tT", "A\tC\tG\tU"), 8, "heading"),
    "transfac no heading": (TRANSFAC.replace("PO\tA\tC\tG\tT\n", ""), 8, "before the heading"),
    "transfac three": (TRANSFAC.replace("16.0\t0.0\t", ""), 9, "matrix row"),
    "homer rows": (HOMER[: HOMER.rindex("0.001\t0.997")], 1, "3 letters"),
    "homer sum": (HOMER.replace("0.949", "0.5"), 3, "not 1"),
    "homer three": (HOMER.replace("0.949\t", ""), 3, "four probabilities"),
    "nul": (MEME.replace("second", "sec\0nd"), 17, "NUL"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_malformed_file_is_refused_with_its_line(write, case):
    text, line, says = WRONG[case]
    path = write(text)
    with pytest.raises(InputError, match=says) as caught:
        read_motifs(path)
    assert f"{path}, line {line}:" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n \n",
        b"\x1f\x8b\x08",
        gzip.compress(MEME.encode())[:-9],
        b"\x89PNG\r\n\x1a\n\0",
        b"hello\n",
        MEME.encode("utf-16"),
        b"# only a comment\n",
        b"MEME version 4\n",
    ],
)
def test_what_is_no_motif_file_is_refused_by_name(write, content):
    path = write(content)
    with pytest.raises(InputError, match=r"motifs\.txt"):
        read_motifs(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"absent\.meme"):
        read_motifs(tmp_path / "absent.meme")
    with pytest.raises(InputError, match="Cannot read"):
        read_motifs(tmp_path)


def test_an_unknown_format_gets_the_nearest(write):
    with pytest.raises(InputError, match="Did you mean 'jaspar'"):
        read_motifs(write(JASPAR), format="jasper")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_file_gives_motifs_or_one_clear_error(tmp_path_factory, data):
    source = data.draw(st.sampled_from([MEME, JASPAR, RAW, UPRIGHT, TRANSFAC, HOMER])).encode()
    for _ in range(data.draw(st.integers(1, 3))):
        a = data.draw(st.integers(0, len(source)))
        b = data.draw(st.integers(a, min(a + 40, len(source))))
        new = data.draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from(
                    [
                        b"-",
                        b"nan",
                        b"\n",
                        b">",
                        b"[",
                        b"]",
                        b"\t",
                        b"1e400",
                        b"//",
                        b"MOTIF ",
                        b"0",
                        b"w= ",
                        b"A [",
                        b"\xff",
                        b"01 ",
                    ]
                ),
            )
        )
        source = source[:a] + new + source[b:]
    if data.draw(st.booleans()):
        source = source[: data.draw(st.integers(0, len(source)))]
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(source)
    for read in (read_motifs, read_meme, read_jaspar, read_transfac, read_homer):
        try:
            motifs = read(path)
        except InputError:
            continue  # any other exception fails the test
        assert len(motifs) > 0
        assert all(abs(m.ppm.sum(0) - 1).max() < 1e-9 for m in motifs)


matrices = st.integers(1, 8).flatmap(
    lambda k: st.lists(
        st.lists(st.floats(0.001, 1), min_size=4, max_size=4), min_size=k, max_size=k
    )
)


@settings(max_examples=60, deadline=None)
@given(
    values=matrices,
    n_sites=st.one_of(st.none(), st.integers(2, 10**6)),
    name=st.text(max_size=12),
)
def test_what_is_written_is_read_back(tmp_path_factory, values, n_sites, name):
    ppm = np.array(values).T
    ppm /= ppm.sum(0)
    motif = Motif(ppm, name, n_sites=n_sites)
    folder = tmp_path_factory.getbasetemp()
    for write, read in ((write_meme, read_meme), (write_jaspar, read_jaspar)):
        write(folder / "one", [motif])
        [back] = read(folder / "one")
        scale = (n_sites or 1) if write is write_jaspar else 1
        np.testing.assert_allclose(back.ppm * scale, ppm * scale, atol=1.01e-6)
        if n_sites is not None:
            assert back.n_sites == pytest.approx(n_sites)
        write(folder / "two", [back])
        assert (folder / "two").read_bytes() == (folder / "one").read_bytes()


def test_names_from_files_cannot_break_a_file(tmp_path):
    rude = Motif(np.eye(4), "a name\nMOTIF forged\tx\x00", "\n")
    write_meme(tmp_path / "m", [rude, Motif(np.eye(4), "kind")])
    assert [m.name for m in read_meme(tmp_path / "m")] == ["a_name_MOTIF_forged_x", "kind"]
    write_jaspar(tmp_path / "j", [rude])
    assert read_jaspar(tmp_path / "j")[0].id == "motif_1"


def test_backgrounds_that_differ_are_written_as_uniform(tmp_path):
    a, b = Motif(np.eye(4), "a", background=(0.4, 0.1, 0.1, 0.4)), Motif(np.eye(4), "b")
    write_meme(tmp_path / "one", [a])
    np.testing.assert_allclose(read_meme(tmp_path / "one")[0].background, a.background)
    write_meme(tmp_path / "two.gz", [a, b])
    assert read_meme(tmp_path / "two.gz")[0].background == (0.25,) * 4


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CisgramError, match="Cannot write"):
        write_meme(tmp_path / "file" / "m.meme", [Motif(np.eye(4), "m")])


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("JASPAR2024_CORE_vertebrates_non-redundant.meme", 879),
        ("JASPAR2024_CORE_fungi_non-redundant.meme", 178),
        ("JASPAR2024_CORE_insects_non-redundant.meme", 286),
        ("JASPAR2020_CORE_vertebrates_non-redundant_pfms_meme.txt.gz", 746),
        ("H12CORE_meme_format.meme.gz", 1443),
        ("jaspar_2024_consensus.meme", 182),
        ("macisaac_yeast.v1.meme", 124),
        ("tangermeme_test.meme", 12),
        ("tangermeme_test2.meme", 4),
        ("JASPAR2022_vertebrates.pfm.gz", 838),
        ("JASPAR2024_CORE_vertebrates_non-redundant_pfms_transfac.txt.gz", 879),
        ("JASPAR2024_CORE_fungi_non-redundant_pfms_transfac.txt.gz", 178),
        ("JASPAR2024_CORE_insects_non-redundant_pfms_transfac.txt.gz", 286),
    ],
)
def test_published_files_hold_as_many_motifs_as_they_say(data_dir, name, n):
    assert len(read_motifs(data_dir / "motifs" / name)) == n
