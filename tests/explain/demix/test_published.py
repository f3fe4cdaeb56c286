"""NeuronMotif's own demonstration networks, with the authors' weights."""

import numpy as np
import pytest

from cisgram import motifs
from cisgram.explain.demix import demix, demix_layer, find_layer, layers
from cisgram.explain.demix.reader import reader
from cisgram.explain.demix.search import sample
from cisgram.explain.demix.split import maps_of, split
from cisgram.explain.demix.syntax import syntax
from published import neuronmotif_demo1, neuronmotif_demo2

pytestmark = pytest.mark.data
EBOX = ("ZEB", "SNAI", "SCRT")


def consensus(ppm):
    return "".join("ACGT"[b] for b in ppm.argmax(0))


def test_the_first_network_keeps_as_many_windows_as_the_authors_counted(data_dir):
    found = layers(neuronmotif_demo1(data_dir), length=8)
    first = sample(found[0].window, range(3))
    assert [len(s.value) for s in first] == [899, 903, 435]
    np.testing.assert_allclose([s.value.max() for s in first], [4.582, 5.085, 6.664], atol=5e-4)
    (second,) = sample(found[1].window, [0])
    assert len(second.value) == 1323
    assert second.value.max() == pytest.approx(9.016, abs=5e-4)


def test_the_first_network_has_one_motif_at_two_offsets(data_dir):
    d = demix(neuronmotif_demo1(data_dir), layer="conv2", length=8, by="published")
    assert [leaf.n for leaf in d.leaves] == [782, 541]
    np.testing.assert_allclose([leaf.ratio for leaf in d.leaves], [1.000, 0.908], atol=5e-3)
    assert [consensus(leaf.ppm).find("CAGGTG") for leaf in d.leaves] == [0, 1]
    (word,) = d.motifs
    assert word.offsets == (0, 1)
    hits = motifs.tomtom([word.motif("m")], motifs.jaspar("vertebrates"), best=10)
    family = hits[hits["target_name"].str.upper().str.startswith(EBOX)]
    assert family["q"].min() < 1e-3


def test_the_rectified_variant_agrees_on_the_first_network(data_dir):
    d = demix(neuronmotif_demo1(data_dir), layer="conv2", length=8)
    assert len(d.leaves) == 2
    assert d.motifs[0].offsets == (0, 1)
    assert d.ratio > d.control_ratio + 0.2
    assert d.fidelity.r2 > d.fidelity.control_r2 + 0.2


@pytest.fixture(scope="module")
def matrix(data_dir):
    """Log-odds of the planted CTCF matrix, which the simulation puts in turned round."""
    text = (data_dir / "neuronmotif-demo/demo2/PWM").read_text().split()
    counts = np.array(text, dtype=float).reshape(4, 19)[::-1, ::-1] + 1
    return np.log2(counts / counts.sum(0) * 4)


def starts(codes, matrix):
    """Best start of the matrix in the left and in the right half of each window."""
    n = codes.shape[1] - matrix.shape[1] + 1
    score = sum(matrix[codes[:, j : j + n], j] for j in range(matrix.shape[1]))
    return score[:, :31].argmax(1), 31 + score[:, 31:].argmax(1)


def modal_share(leaves, pair):
    """Share of the sample whose pair of starts is the commonest of its leaf."""
    return sum(np.unique(pair[leaf], return_counts=True)[1].max() for leaf in leaves) / len(pair)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_second_network_is_two_sites_at_free_distances(data_dir, matrix, seed):
    model = neuronmotif_demo2(data_dir)
    layer = find_layer(layers(model, length=82), "conv5")
    (d,) = demix_layer(model, layer, [0], seed=seed)
    assert d.max_activation >= 10.5
    assert d.parts == 2
    assert d.ratio >= 0.90
    assert d.ratio >= d.control_ratio + 0.25

    left, right = starts(d.sample.codes, matrix)
    pair = 100 * left + right
    planted = (left < 16) & (right >= 44) & (right < 60)
    top = d.sample.value > d.max_activation / 2
    assert len(np.unique(pair[planted & top])) >= 245
    assert modal_share([leaf.rows for leaf in d.leaves], pair) >= 0.42
    assert modal_share([np.arange(len(pair))], pair) < 0.1

    word = d.motifs[0]
    best = motifs.tomtom([word.motif("m")], motifs.jaspar("vertebrates"), best=1)
    assert best["target_name"][0] == "CTCF"
    assert best["q"][0] < 1e-6
    assert word.n > 0.9 * d.n_kept
    for other in d.motifs[1:]:
        assert other.n < 0.1 * d.n_kept

    grammar = syntax(layer, 0, d.leaves, d.motifs, seed=seed)
    first = grammar.combinations[0]
    assert [motif for motif, _ in first.slots] == [0, 0]
    (edge,) = first.edges
    assert edge.holds
    held = np.repeat(list(edge.gaps), list(edge.gaps.values()))
    assert np.quantile(held, 0.025) >= 29
    assert np.quantile(held, 0.975) <= 59
    profile = dict(zip(edge.profile.at.tolist(), edge.profile.mean.tolist(), strict=True))
    assert profile[50] > 5  # inside the true range
    assert profile[25] < min(0.0, edge.profile.left)  # a middle copy inhibits


@pytest.mark.slow
def test_published_features_separate_the_pairs_less(data_dir, matrix):
    layer = find_layer(layers(neuronmotif_demo2(data_dir), length=82), "conv5")
    (s,) = sample(layer.window, [0], stride=layer.stride)
    read = reader(layer.window)
    left, right = starts(s.codes, matrix)
    share = {
        by: modal_share(
            [
                n.rows
                for n in split(
                    s, layer.levels, maps_of(s, layer.levels, read, by=by), by=by, parts=2
                ).leaves()
            ],
            100 * left + right,
        )
        for by in ("rectified", "published")
    }
    assert share["rectified"] > share["published"] + 0.05
