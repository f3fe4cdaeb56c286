"""k-means of maps that are weighted, many, or the same."""

import numpy as np
import pytest

from cisgram.explain.demix.means import means, nearest


def blobs(n, k, d, seed):
    rng = np.random.default_rng(seed)
    centers = rng.normal(0, 4, (k, d))
    label = rng.integers(0, k, n)
    return (centers[label] + rng.normal(0, 1, (n, d))).astype(np.float32), label


def around(maps, weight, centers):
    """Weighted sum of squares around the nearest centers."""
    return float((weight * ((maps - centers[nearest(maps, centers)]) ** 2).sum(1)).sum())


@pytest.mark.parity
@pytest.mark.parametrize("seed", range(5))
def test_clusters_are_as_tight_as_those_of_scikit_learn(seed):
    from sklearn.cluster import KMeans

    maps, _ = blobs(2000, 6, 20, seed)
    weight = np.random.default_rng(seed).random(2000).astype(np.float32)
    ours = means(maps, weight, 6, np.random.default_rng(seed))
    theirs = KMeans(6, n_init=2, random_state=seed).fit(maps, sample_weight=weight)
    assert around(maps, weight, ours) <= 1.05 * around(maps, weight, theirs.cluster_centers_)


def test_blobs_are_told_apart_also_where_only_some_maps_make_the_centers():
    maps, label = blobs(101_000, 4, 10, 1)
    centers = means(maps, np.ones(len(maps), np.float32), 4, np.random.default_rng(0))
    pairs = np.unique(np.stack([label, nearest(maps, centers)]), axis=1)
    assert pairs.shape == (2, 4)


def test_heavy_maps_draw_the_centers():
    maps = np.float32([[0], [1], [10]])
    (center,) = means(maps, np.float32([1, 3, 0]), 1, np.random.default_rng(0))
    assert center == pytest.approx(0.75)


def test_fewer_distinct_maps_than_centers_are_no_trouble():
    maps = np.repeat(np.float32([[0, 0], [5, 5]]), 10, 0)
    centers = means(maps, np.ones(20, np.float32), 4, np.random.default_rng(0))
    assert centers.shape == (4, 2)
    assert len(np.unique(nearest(maps, centers))) == 2


def test_given_centers_are_gone_on_from():
    maps, _ = blobs(500, 3, 5, 2)
    weight = np.ones(500, np.float32)
    first = means(maps, weight, 3, np.random.default_rng(0))
    again = means(maps, weight, 3, np.random.default_rng(9), start=first)
    np.testing.assert_allclose(again, first, atol=0.05)
