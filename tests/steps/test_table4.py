"""Table 4: windows, hits and controls whose truth is known."""

import numpy as np
import pytest
import torch

from cisgram import explain, motifs
from cisgram.core.errors import UnknownName
from cisgram.models import create
from cisgram.seq import encode
from cisgram.steps import table4, table4_page
from cisgram.steps.table4 import (
    accepted,
    letters_at,
    measure_windows,
    readings,
    strongest_rise,
    strongest_window,
)


@pytest.fixture(scope="module")
def jaspar():
    return motifs.jaspar()


def test_the_strongest_window_is_the_one_with_the_largest_sum():
    scores = torch.zeros(2, 30)
    scores[0, 10:19] = 1
    scores[0, 3] = 5  # higher alone, less than nine together
    scores[1, 25] = 1
    assert strongest_window(scores).tolist() == [10, 17]


def test_the_strongest_rise_ends_where_the_score_has_risen():
    """The score is 0 before the word at 12 to 20 and 1 behind it."""
    forward = torch.zeros(1, 30)
    forward[0, 12:21] = torch.linspace(0.1, 1, 9)
    forward[0, 21:] = 1
    assert strongest_rise(forward).item() == 12
    backward = torch.zeros(1, 30)
    backward[0, :12] = 1
    backward[0, 12:21] = torch.linspace(1, 0.1, 9)
    assert strongest_rise(forward, backward).item() == 12
    assert strongest_rise(torch.zeros(1, 30), backward).item() == 12


def test_letters_of_a_window_are_those_of_the_sequence_and_n_is_a_quarter():
    x = encode(["ACGTNACGTACGT", "TTTTGGGGGGGGG"])
    letters = letters_at(x, torch.tensor([1, 4]))
    assert letters.shape == (2, 4, 9)
    assert (letters[0, :, 3] == 0.25).all()
    assert letters[0, :, 0].tolist() == [0, 1, 0, 0]
    assert (letters[1, 2] == 1).all()


@pytest.mark.parametrize(
    ("factor", "inside", "outside"),
    [
        ("ELK1", ["GABPA", "ETV1"], ["CTCF", "HOXA1", "ELK1::HOXA1", "FOXO1::FLI1"]),
        ("USF1", ["USF2", "MYC", "MAX::MYC"], ["ELK1", "TCF12", "TFAP4::ETV1"]),
        ("TCF12", ["TCF12", "TAL1::TCF3"], ["USF1"]),
        ("CTCFL", ["CTCF", "CTCFL"], ["ZBTB7A", "REST"]),
        ("ZBTB7A", ["ZBTB7A"], ["CTCF"]),
        ("SP1", ["SP1", "KLF4"], ["NFYA", "Ikzf3"]),
        ("ARID3A", ["Arid3a"], ["SRF"]),
    ],
)
def test_a_family_holds_relatives_and_no_strangers(jaspar, factor, inside, outside):
    found = accepted(factor, jaspar)
    names = {m.name for m in jaspar if m.id in found.family}
    assert {*inside} <= names
    assert not {*outside} & names
    assert found.own <= found.family


def test_every_factor_of_the_table_has_a_matrix_of_its_own(jaspar):
    for factor in (*table4.DEEPBIND, *table4.H1):
        assert accepted(factor, jaspar).own, factor


def test_windows_with_the_factors_site_hit_it_and_its_shuffles_do_not(jaspar):
    """Six of eight windows hold CACGTG; two are poly-A."""
    words = ["GTCACGTGA", "GCCACGTGG", "ATCACGTGA", "GTCACGTGG", "GCCACGTGC", "ACCACGTGA"]
    letters = encode([*words, "AAAAAAAAA", "AAAAAAAAA"]).double().numpy()
    other = accepted("FOXA1", jaspar)
    found = measure_windows(letters, accepted("USF1", jaspar), [other], jaspar)
    assert found["family"] == 0.75
    assert 0 < found["own"] <= found["family"]
    assert found["others"] == 0
    assert found["shuffled"] < found["family"]


@pytest.mark.parametrize(
    ("network", "names"),
    [
        ("demo-cnn", {"activation", "activation-sum"}),
        ("demo-rnn", {"temporal", "temporal-both"}),
        ("demo-cnn-rnn", {"activation", "activation-sum", "temporal", "temporal-both"}),
    ],
)
def test_each_network_is_read_in_every_way_that_it_has(network, names):
    torch.manual_seed(0)
    model = create(network, size="small")
    x = encode(["ACGTTGCATTGACCATGACCACGTTGCAACGT", "T" * 32])
    found = readings(model, x)
    assert found.keys() == names | {"saliency", "saliency-corrected"}
    for at in found.values():
        assert at.shape == (2,)
        assert ((at >= 0) & (at <= 32 - 9)).all()


def test_the_activation_window_lies_under_the_strongest_filter():
    torch.manual_seed(0)
    model = create("demo-cnn", size="small").eval()
    conv = model.features[0]
    with torch.no_grad():
        conv.weight.zero_()
        conv.bias.zero_()
        conv.weight[3] = encode(["TGACTCATG"])[0]
    x = encode(["CCCCCCCCTGACTCATGCCCCCCCCCCCCCCC"])
    assert readings(model, x)["activation"].tolist() == [8]
    padded = create("demo-cnn-rnn").eval()
    with torch.no_grad():
        padded.convolution[0].weight.zero_()
        padded.convolution[0].bias.zero_()
        padded.convolution[0].weight[5] = encode(["TGACTCATG"])[0]
    assert readings(padded, x)["activation"].tolist() == [8]


@pytest.mark.parametrize("strand", ["GTCACGTGACC", "GGTCACGTGAC"])
def test_the_best_site_is_found_on_either_strand_and_at_the_ends(strand):
    matrix = motifs.Motif(encode(["GTCACGTGACC"])[0].double().numpy(), "M")
    inside, first, last = ("A" * n + strand + "A" * (29 - n) for n in (11, 0, 29))
    found = table4.best_sites(encode([inside, first, last, "N" * 40]), [matrix])
    assert found.tolist()[:3] == [12, 1, 30]
    assert 0 <= found[3] <= 40 - 9
    other = motifs.Motif(encode(["AAAAAAAAAAAAA"])[0].double().numpy(), "longer")
    assert table4.best_sites(encode([inside]), [matrix, other]).item() != 12  # more bits


def row(name, network, share, **optimum):
    reading = {"own": share / 2, "family": share, "shuffled": 0.03, "others": 0.02}
    windows = {"saliency": reading, "site": reading | {"family": 0.8}}
    motif = {"consensus": "ACGT", "own": False, "family": True, "shuffled": 0.5, "others": 0.1}
    best = {"published": [motif | {"family": False}], "letters": [motif | {"family": False}, motif]}
    return {
        "set": name, "network": network, "auroc": 0.9, "windows": windows,
        "optimum": best | optimum,
    }  # fmt: skip


def test_the_page_means_over_the_sets_that_all_networks_have():
    nets = table4_page.NETWORKS
    rows = [row("A", n, 0.5) for n in nets] + [row("B", n, 0.3) for n in nets]
    rows.append(row("C", nets[0], 0.9))
    page = table4_page.page_of(rows, {"ELK1": (7, 100)}, sets=["A", "B", "C", "D"])
    assert "2 sets: A, B. Not measured on all three: C, D." in page
    line = "demo-cnn | 2 | 48.8 % | **40.0 %** | 30-50 % | 20.0 % | 3.0 % | 2.0 % |"
    first = "demo-cnn | 2 |  | **0.0 %** | 0-0 % | 0.0 % | 50.0 % | 10.0 %"
    any_of = "demo-cnn | 2 |  | **100.0 %** | 100-100 % | 0.0 % | 75.0 % | 19.0 %"
    assert f"| saliency, as published | {line}" in page
    assert f"by letters, the strongest motif | {first}" in page
    assert f"any of the first three | {any_of}" in page
    assert "| ELK1 | 7 | 100 |" in page
    best = "| the best site of the factor's own matrix | none | 2 |  | **80.0 %** |"
    assert page.count(best) == 1
    assert f"| B | {nets[2]} | 0.900 | 80.0 % | 30.0 % |" in page


def test_an_optimum_is_matched_with_its_control(jaspar):
    word = motifs.Motif(encode(["GTCACGTGAC"])[0].double().numpy(), "optimum_1", n_sites=3.0)
    best = explain.Optimum(
        motifs.MotifSet([word]), torch.tensor([2.0]), *[torch.zeros(1)] * 4
    )  # fmt: skip
    (found,) = table4.measure_optimum(
        best, accepted("USF1", jaspar), [accepted("FOXA1", jaspar)], jaspar
    )
    assert found["own"]
    assert found["family"]
    assert found["others"] == 0
    assert found["shuffled"] < 0.5
    assert found["consensus"] == "GTCACGTGAC"
    assert np.isclose(found["gain"], 2.0)


@pytest.mark.data
def test_an_unknown_set_is_refused_with_the_nearest(data_dir, tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'ELK1'"):
        table4.benchmark_table4(data_dir, tmp_path, only="ELK")
