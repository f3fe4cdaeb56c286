import pickle

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from cisgram import models
from cisgram.core.errors import InputError, UnsafeError
from cisgram.models import Card, read_tensors, write_tensors
from cisgram.seq import encode
from networks import SMALL, beside, fitting
from toys import Conv

X = encode(["ACGTACGTACGTACGTACGTACGTACGTACGT", "TTTTGGGGCCCCAAAATTTTGGGGCCCCNNNN"])


class Bomb:
    """A pickle that would write a file when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def saved(folder, name="demo-cnn", *, seed=0, **facts):
    torch.manual_seed(seed)
    card = Card(name=name, **{"length": 32} | facts)
    model = models.build(card)
    models.save(folder, model, card)
    return model, card


@pytest.mark.parametrize("name", sorted(models.MODELS))
def test_round_trip_is_bit_identical(name, tmp_path):
    options, length = SMALL.get(name, {}), fitting(name, 32)
    x = X.repeat(1, 1, -(-length // 32))[:, :, :length]
    outputs = models.MODELS[name].facts.get("outputs", ("a", "b"))
    model, card = saved(tmp_path / "m", name, options=options, length=length, outputs=outputs)
    back = models.load(tmp_path / "m")
    assert models.read_card(tmp_path / "m") == card
    assert not back.training
    for key, value in model.state_dict().items():
        assert torch.equal(back.state_dict()[key], value)
    fields = beside(name, len(x), length)
    assert torch.equal(
        models.predict(back, x, fields=fields), models.predict(model, x, fields=fields)
    )


def test_a_model_of_one_length_has_that_of_its_card(tmp_path):
    options = {k: v for k, v in SMALL["basset"].items() if k != "length"}
    saved(tmp_path, "basset", options=options, length=203)
    back = models.load(tmp_path)
    assert back.length == 203
    assert back(torch.zeros(2, 4, 203)).shape == (2, 1)


def test_equal_models_give_equal_bytes(tmp_path):
    saved(tmp_path / "a")
    saved(tmp_path / "b")
    for name in ("weights.safetensors", "model.toml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_options_of_a_model_come_back(tmp_path):
    saved(tmp_path, "deepbind", options={"hidden": 0, "width": 12})
    assert models.load(tmp_path).detect[0].weight.shape == (16, 4, 12)


def test_members_of_an_ensemble_are_averaged(tmp_path):
    members = [saved(tmp_path / n, seed=i)[0] for i, n in enumerate(["model", "model-2"])]
    mean = (models.predict(members[0], X) + models.predict(members[1], X)) / 2
    torch.testing.assert_close(models.predict(models.load(tmp_path), X), mean)
    assert not torch.equal(models.predict(members[0], X), mean)


def test_a_model_of_both_strands_comes_back_as_one(tmp_path):
    model, _ = saved(tmp_path, strands="both")
    back = models.load(tmp_path)
    assert isinstance(back, models.BothStrands)
    expected = models.predict(models.BothStrands(model), X)
    assert torch.equal(models.predict(back, X), expected)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no model.toml"):
        models.load(tmp_path)
    saved(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=r"Cannot read .*weights.safetensors"):
        models.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("head.linear.bias"), "head.linear.bias is missing"),
        (lambda t: t.update(extra=torch.ones(1)), "extra is not in the model"),
        (
            lambda t: t.update({"head.linear.bias": torch.ones(3)}),
            r"head.linear.bias is \(3,\), the model has \(2,\)",
        ),
        (lambda t: t.clear(), "and 5 more"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, message):
    model, _ = saved(tmp_path)
    tensors = dict(model.state_dict())
    change(tensors)
    write_tensors(tmp_path / "weights.safetensors", tensors)
    with pytest.raises(InputError, match=message):
        models.load(tmp_path)


TOML = (
    'name = "demo-cnn"\nlength = 32\noutputs = ["bound"]\ntask = "regression"\nstrands = "given"\n'
)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", None),
        ("name", "nam", "name"),
        ("length = 32", "", "length"),
        ("length = 32", 'length = "long"', "length"),
        ("length = 32", "length = -1", "length"),
        ('outputs = ["bound"]', 'outputs = "bound"', "outputs"),
        ('outputs = ["bound"]', "outputs = [1, 2]", "outputs"),
        ('outputs = ["bound"]', "outputs = []", "outputs"),
        ('task = "regression"', 'task = "banana"', "task"),
        ('strands = "given"', 'strands = "sideways"', "strands"),
        ('"demo-cnn"', '"demo-cnm"', "demo-cnn"),
        ('"demo-cnn"', "3", "name"),
        ("length", "options = 3\nlength", "options"),
        ("length", "options = {sise = 1}\nlength", "size"),
        ("length", "options = {dropout = 3}\nlength", "dropout"),
        ("length", "colour = 3\nlength", "colour"),
        ('"demo-cnn"', '"demo-cnn', "not TOML"),
        ("name", "\0", "not TOML"),
    ],
)
def test_a_card_is_read_right_or_refused_by_its_name(tmp_path, old, new, message):
    saved(tmp_path)
    (tmp_path / "model.toml").write_text(TOML.replace(old, new, 1))
    if message is None:
        assert models.read_card(tmp_path).task == "regression"
        return
    with pytest.raises(InputError, match=message):
        models.load(tmp_path)


def test_a_card_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "model.toml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(InputError, match=r"model.toml is not TOML"):
        models.read_card(tmp_path)


def pickles(folder):
    """Every way in which a pickle may come as weights."""
    bomb = Bomb(folder / "boom")
    for protocol in (2, 3, 4, 5):
        yield pickle.dumps(bomb, protocol=protocol)
    for zipped in (True, False):
        path = folder / "saved.pt"
        torch.save({"w": bomb}, path, _use_new_zipfile_serialization=zipped)
        yield path.read_bytes()
    torch.save(Conv().state_dict(), folder / "plain.pt")
    yield (folder / "plain.pt").read_bytes()


def test_pickles_are_refused_and_never_opened(tmp_path):
    saved(tmp_path / "m")
    for content in pickles(tmp_path):
        (tmp_path / "m" / "weights.safetensors").write_bytes(content)
        with pytest.raises(UnsafeError, match="could run code") as caught:
            models.load(tmp_path / "m")
        assert caught.value.exit_status == 5
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize("header", range(64, 64 + 8 * 33, 8))
def test_no_header_length_is_taken_for_a_pickle(tmp_path, header):
    """The file begins with its header's length, whose lowest byte is a pickle's 0x80 at 128."""
    tensors = {"w": torch.arange(3.0)}
    path = tmp_path / "w.safetensors"
    write_tensors(path, tensors)
    short = int.from_bytes(path.read_bytes()[:8], "little")
    write_tensors(path, tensors, {"note": "x" * max(0, header - short - 27)})
    assert torch.equal(read_tensors(path)["w"], tensors["w"])
    assert torch.equal(models.read_weights(path)["w"], tensors["w"])


def test_a_header_length_that_reads_as_a_zip_is_read(tmp_path):
    path = tmp_path / "w.safetensors"
    write_tensors(path, {"w": torch.ones(2)})
    short = int.from_bytes(path.read_bytes()[:8], "little")
    write_tensors(path, {"w": torch.ones(2)}, {"note": "x" * (0x4B50 - short - 27)})
    assert path.read_bytes()[:2] == b"PK"
    assert read_tensors(path)["w"].tolist() == [1.0, 1.0]
    assert models.read_weights(path)["w"].tolist() == [1.0, 1.0]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    write_tensors(folder / "w.safetensors", nn.Linear(3, 2).state_dict(), {"a": "b"})
    return folder / "w.safetensors"


def read_or_refuse(path):
    """Tensors, or an error of ours: never another, never a hang."""
    for read in (read_tensors, models.read_weights):
        try:
            found = read(path)
        except (InputError, UnsafeError) as error:
            found, said = {}, str(error)
        else:
            said = str(path)
        assert str(path) in said
        assert all(isinstance(v, torch.Tensor) for v in found.values())


def test_every_truncation_is_refused(good, tmp_path):
    content = good.read_bytes()
    for n in range(len(content)):
        (tmp_path / "cut").write_bytes(content[:n])
        with pytest.raises((InputError, UnsafeError)):
            read_tensors(tmp_path / "cut")


quiet = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given(st.binary(max_size=200))
@quiet
def test_random_bytes_are_refused(tmp_path, content):
    (tmp_path / "junk").write_bytes(content)
    read_or_refuse(tmp_path / "junk")


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4))
@quiet
def test_flipped_bytes_are_read_or_refused(good, tmp_path, flips):
    content = bytearray(good.read_bytes())
    for at, byte in flips:
        content[at % len(content)] = byte
    (tmp_path / "flipped").write_bytes(content)
    read_or_refuse(tmp_path / "flipped")


@given(st.binary(max_size=120), st.sampled_from([b"PK\x03\x04", b"\x80\x02", b"\x80\x05"]))
@quiet
def test_bytes_that_begin_as_a_pickle_are_refused(tmp_path, content, head):
    (tmp_path / "junk").write_bytes(head + content)
    read_or_refuse(tmp_path / "junk")


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="Cannot read"):
        read_tensors(tmp_path / "nothing")


def test_views_and_shared_weights_are_saved_whole(tmp_path):
    base = torch.arange(12.0).view(3, 4)
    write_tensors(tmp_path / "w", {"b": base.T, "a": base[:, 1], "c": base})
    back = read_tensors(tmp_path / "w")
    assert torch.equal(back["b"], base.T)
    assert back["a"].tolist() == [1.0, 5.0, 9.0]
