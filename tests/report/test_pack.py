import base64
import gzip

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from cisgram import report
from cisgram.core.errors import InputError
from cisgram.report.pack import quantize


def test_names_that_look_like_numbers_or_nothing_are_kept(new_run, opened):
    run = new_run(n=4)
    for method in ("ism", "saliency"):
        path = run.path / "explain" / method / "names.tsv"
        lines = path.read_text().splitlines()
        names = ("007", "nan", "1e5", "-")
        rows = [
            "\t".join([n, *line.split("\t")[1:]]) for n, line in zip(names, lines[1:], strict=True)
        ]
        path.write_text("\n".join([lines[0], *rows]) + "\n")
    rows = opened(report.write(run)).payload["rows"]
    assert {row[0] for row in rows} == {"007", "nan", "1e5", "-"}


def test_packed_attributions_are_those_of_the_file_to_half_a_step(new_run, opened):
    run = new_run(n=9, length=50)
    payload = opened(report.write(run)).payload
    stored = load_file(run.path / "explain" / "ism" / "values.safetensors")
    method = next(m for m in payload["methods"] if m["name"] == "ism")
    packed = np.frombuffer(gzip.decompress(base64.b64decode(method["values"])), dtype=np.int8)
    packed = packed.reshape(9, 4, 50)
    codes = np.frombuffer(gzip.decompress(base64.b64decode(payload["codes"])), dtype=np.uint8)
    for row, (name, *_) in enumerate(payload["rows"]):
        original = int(name.removeprefix("peak_"))
        at = method["index"][row]
        step = method["scale"][at]
        difference = np.abs(packed[at] * step - stored["values"][original]).max()
        assert difference <= 0.5001 * step
        x = stored["x"][original]
        expected = np.where(x.any(0), x.argmax(0), 4)
        assert (codes[row * 50 : (row + 1) * 50] == expected).all()


def test_a_sequence_of_zeros_and_one_with_nan_can_be_packed():
    values = np.zeros((2, 4, 3), dtype=np.float32)
    values[1, 0, 0], values[1, 1, 1] = np.nan, 2.0
    quantized, scale = quantize(values)
    assert not quantized[0].any()
    assert quantized[1, 0, 0] == 0
    assert quantized[1, 1, 1] * scale[1] == pytest.approx(2.0)


def test_a_page_over_its_budget_keeps_the_best_sequences_and_says_so(new_run, opened):
    run = new_run(n=300, length=300)
    whole = len(report.write(run).read_bytes())
    smaller = opened(report.write(run, max_bytes=whole // 2))
    assert run.report.stat().st_size <= whole // 2
    scores = [row[4] for row in smaller.payload["rows"]]
    assert 20 < len(scores) < 150
    assert scores == sorted(scores, reverse=True)
    best = max(
        float(v.split("\t")[2])
        for v in (run.path / "explain/ism/names.tsv").read_text().splitlines()[1:]
    )
    assert scores[0] == pytest.approx(best, rel=1e-4)
    assert f"{len(scores)} of 300 explained sequences" in smaller.said


def test_a_budget_below_the_page_itself_is_refused(new_run):
    with pytest.raises(InputError, match="max_bytes is 1,000"):
        report.write(new_run(n=4), max_bytes=1000)


def test_the_same_run_gives_the_same_bytes(new_run):
    run = new_run(n=8)
    first = report.write(run).read_bytes()
    assert report.write(run.path).read_bytes() == first


def test_methods_with_different_sequences_share_one_table(new_run, opened):
    run = new_run(n=6)
    path = run.path / "explain" / "saliency" / "names.tsv"
    path.write_text(path.read_text().replace("peak_0", "other"))
    payload = opened(report.write(run)).payload
    assert len(payload["rows"]) == 7
    by_name = {
        row[0]: [m["index"][i] for m in payload["methods"]] for i, row in enumerate(payload["rows"])
    }
    assert sorted(by_name["peak_0"])[0] == -1
    assert by_name["other"][0] == -1
    assert by_name["peak_3"] == by_name["peak_3"][:1] * 2


def test_one_name_with_two_sequences_makes_two_rows(new_run, opened):
    run = new_run(n=5)
    path = run.path / "explain" / "saliency" / "values.safetensors"
    arrays = load_file(path)
    arrays["x"][2] = arrays["x"][2, ::-1].copy()
    save_file(arrays, path)
    payload = opened(report.write(run)).payload
    found = [
        [m["index"][i] for m in payload["methods"]]
        for i, r in enumerate(payload["rows"])
        if r[0] == "peak_2"
    ]
    assert sorted(row.index(-1) for row in found) == [0, 1]


def test_packed_tracks_are_those_of_the_file_to_half_a_step(new_run, opened):
    run = new_run(n=7, length=50, more=True)
    payload = opened(report.write(run)).payload
    stored = load_file(run.path / "explain" / "temporal" / "values.safetensors")["tracks"]
    method = next(m for m in payload["methods"] if m["name"] == "temporal")
    assert (method["tracks"], method["midpoint"]) == (["forward", "backward"], 0.5)
    packed = np.frombuffer(gzip.decompress(base64.b64decode(method["values"])), dtype=np.int8)
    packed = packed.reshape(7, 2, 50) * np.reshape(method["scale"], (7, 2, 1))
    for row, (name, *_) in enumerate(payload["rows"]):
        original = stored[int(name.removeprefix("peak_"))]
        assert np.abs(packed[method["index"][row]] - original).max() <= 0.5001 / 127


def test_tracks_without_an_against_have_no_midpoint(new_run, opened):
    payload = opened(report.write(new_run(n=4, length=50, more=True))).payload
    midpoints = {m["name"]: m["midpoint"] for m in payload["methods"]}
    assert midpoints["attention"] is None


def test_tracks_of_another_length_than_their_sequences_are_refused(new_run):
    run = new_run(n=4, length=50, more=True)
    path = run.path / "explain" / "temporal" / "values.safetensors"
    arrays = load_file(path)
    save_file({"tracks": arrays["tracks"][:, :, :40].copy(), "x": arrays["x"]}, path)
    with pytest.raises(InputError, match=r"tracks must be \(n, k, length\)"):
        report.write(run)


def test_a_smaller_page_keeps_sites_and_agreement_of_its_rows(new_run, opened):
    run = new_run(n=200, length=200)
    whole = opened(report.write(run)).payload
    size = run.report.stat().st_size
    smaller = opened(report.write(run, max_bytes=size * 2 // 3)).payload
    n = len(smaller["rows"])
    assert 20 < n < 200
    assert smaller["sites"]["rows"] == whole["sites"]["rows"][:n]
    assert smaller["agreement"]["rows"] == whole["agreement"]["rows"][:n]
    assert smaller["agreement"]["conflicts"] == whole["agreement"]["conflicts"][:n]
