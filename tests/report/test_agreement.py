"""Where methods agree, worked out by hand and against SciPy."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.stats import spearmanr

from cisgram import report
from cisgram.core import config
from cisgram.report.agreement import agreement, contradictions, top_signs
from cisgram.report.explained import explained, joined


def written(run, method, scores, *, signed=True, substitutions=False, base=0):
    """A method that gives these scores (n, length) to sequences of one letter."""
    folder = run.path / "explain" / method
    n, length = scores.shape
    x = np.zeros((n, 4, length), dtype=np.int8)
    x[:, base] = 1
    values = np.zeros((n, 4, length), dtype=np.float32)
    if substitutions:
        values[:, 1:] = -scores[:, None]
    else:
        values[:, base] = scores
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"values": values, "x": x}, folder / "values.safetensors")
    names = "".join(f"s{i}\n" for i in range(n))
    (folder / "names.tsv").write_text("name\n" + names)
    options = {"signed": signed, "substitutions": substitutions}
    config.write_toml(folder / "options.toml", options)


@pytest.fixture
def empty(new_run):
    run = new_run(n=3)
    for method in ("ism", "saliency"):
        for path in (run.path / "explain" / method).iterdir():
            path.unlink()
        (run.path / "explain" / method).rmdir()
    return run


def found(run):
    methods = explained(run)
    return agreement(joined(run, methods), methods)


def test_methods_of_opposite_sign_are_contested_and_anticorrelated(empty):
    """Of 20 positions the top two; at one of them the second method says the opposite."""
    scores = np.linspace(0.01, 0.2, 20)[None].repeat(3, 0)
    scores[:, 4], scores[:, 9] = 5.0, 4.0
    written(empty, "one", scores)
    turned = scores.copy()
    turned[:, 9] = -4.0
    written(empty, "two", turned)
    result = found(empty)
    assert result.conflicts == [[9]] * 3
    assert result.contested.tolist() == [0.5, 0.5]
    assert result.correlation[:, 0] == pytest.approx(spearmanr(scores[0], turned[0]).statistic)


def test_a_method_without_a_sign_is_compared_by_size_and_contests_nothing(empty):
    scores = np.random.default_rng(0).normal(size=(4, 30))
    written(empty, "one", scores)
    written(empty, "two", np.abs(scores), signed=False)
    result = found(empty)
    assert result.correlation[:, 0] == pytest.approx(1.0)
    assert result.conflicts == [[]] * 4
    assert result.contested[0] == 0
    assert np.isnan(result.contested[1])


def test_changes_against_the_base_that_is_there_count_as_its_loss(empty):
    """Mutagenesis gives minus the score to each other base: the same importance."""
    scores = np.random.default_rng(1).normal(size=(3, 25))
    written(empty, "one", scores)
    written(empty, "two", scores, substitutions=True)
    result = found(empty)
    assert result.correlation[:, 0] == pytest.approx(1.0)
    assert result.contested.tolist() == [0, 0]


def test_a_constant_method_has_no_correlation(empty):
    written(empty, "one", np.random.default_rng(0).normal(size=(2, 12)))
    written(empty, "two", np.zeros((2, 12)))
    result = found(empty)
    assert np.isnan(result.correlation).all()
    assert result.matrix()[0][1] is None


def test_one_method_alone_agrees_with_nobody(empty, opened):
    written(empty, "one", np.ones((2, 12)))
    assert found(empty) is None
    page = opened(report.write(empty))
    assert "Where the methods agree" not in page.said
    assert page.payload["agreement"] is None


def test_only_what_both_explain_is_compared(new_run):
    """A name that one method lacks has no correlation; the others have SciPy's."""
    run = new_run(n=6, length=80)
    path = run.path / "explain" / "saliency" / "names.tsv"
    path.write_text(path.read_text().replace("peak_0", "other"))
    methods = explained(run)
    table = joined(run, methods)
    result = agreement(table, methods)
    arrays = {m.name: load_file(m.path) for m in methods}
    for row, name in enumerate(table["name"]):
        r = result.correlation[row, 0]
        if name in ("peak_0", "other"):
            assert np.isnan(r)
            continue
        i = int(name.removeprefix("peak_"))
        x = arrays["ism"]["x"][i]
        one = -arrays["ism"]["values"][i].sum(0) / 3
        two = (arrays["saliency"]["values"][i] * x).sum(0)
        assert r == pytest.approx(spearmanr(one[x.any(0)], two[x.any(0)]).statistic)


def test_the_page_says_it_over_all_sequences(empty, opened):
    scores = np.random.default_rng(0).normal(size=(4, 30))
    written(empty, "one", scores)
    written(empty, "two", -scores)
    options = empty.path / "explain" / "one" / "options.toml"
    config.write_toml(
        options,
        {"signed": True, "options": {"reference": "zeros"}, "completeness": {"mean": 2.5e-7}},
    )
    said = opened(report.write(empty)).said
    assert "Agreement over 4 sequences" in said
    assert "−1.00 −1.00 to −1.00" in said
    assert "100.0 %" in said
    assert "reference zeros" in said
    assert "2.5 × 10⁻⁷" in said.replace("\xa0", " ")


def test_only_the_largest_tenth_can_contest():
    scores = np.zeros((2, 40))
    scores[0, :5], scores[1, :5] = [5, 4, 3, 2, 1], [-5, -4, -3, -2, -1]
    assert np.flatnonzero(contradictions(top_signs(scores)).any(0)).tolist() == [0, 1, 2, 3]
