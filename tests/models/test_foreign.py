import pytest
import torch
from torch import nn

from cisgram import models
from cisgram.core.errors import InputError, UnsafeError
from cisgram.models import Card, from_callable, read_weights
from toys import Conv

SOURCE = """
from os import system
from subprocess import run, Popen
import torch
from torch import nn

NUMBER = 3

class Net(nn.Sequential):
    def __init__(self, width=5):
        super().__init__(nn.Conv1d(4, 2, width), nn.AdaptiveMaxPool1d(1), nn.Flatten())

def make(width=5):
    return Net(width)

def text():
    return "no module"
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with a module that is not installed."""
    (tmp_path / "toy_of_mine.py").write_text(SOURCE)
    (tmp_path / "toy_broken.py").write_text("def (:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", __import__("sys").path[:])
    yield tmp_path
    for name in ("toy_of_mine", "toy_broken"):
        __import__("sys").modules.pop(name, None)


@pytest.mark.parametrize("name", ["make", "Net"])
def test_a_model_comes_from_the_current_folder(here, name):
    model = from_callable(f"toy_of_mine:{name}", {"width": 7})
    assert model[0].weight.shape == (2, 4, 7)


def test_a_model_of_ones_own_is_saved_and_loaded(here):
    card = Card("toy_of_mine:make", {"width": 3}, length=9, outputs=("a", "b"))
    model = models.build(card)
    models.save(here / "m", model, card)
    x = torch.zeros(1, 4, 9)
    assert torch.equal(models.predict(models.load(here / "m"), x), models.predict(model, x))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("toy_of_mine", "package.module:callable"),
        (":make", "package.module:callable"),
        ("toy_of_mine:", "package.module:callable"),
        ("toy_of_mine:Net.make", "package.module:callable"),
        (".toy_of_mine:make", "package.module:callable"),
        ("toy of mine:make", "package.module:callable"),
        ("toy_of_nobody:make", "Run from the folder that holds it"),
        ("toy_of_mine:absent", "Cannot import"),
        ("toy_broken:make", "Cannot import .*invalid syntax"),
        ("toy_of_mine:NUMBER", "it is of type int"),
        ("toy_of_mine:text", "gave str"),
        ("torch.nn:ReLU6x", "Cannot import"),
    ],
)
def test_what_gives_no_module_is_refused(here, spec, message):
    with pytest.raises(InputError, match=message):
        from_callable(spec)


def test_wrong_options_are_refused(here):
    with pytest.raises(InputError, match=r"Cannot call toy_of_mine:make .*depth"):
        from_callable("toy_of_mine:make", {"depth": 3})


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        ("os:system", {"command": "touch boom"}),
        ("subprocess:run", {"args": ["touch", "boom"]}),
        ("subprocess:Popen", {"args": ["touch", "boom"]}),
        ("builtins:open", {"file": "boom", "mode": "w"}),
        ("builtins:exec", {}),
        ("pathlib:Path", {}),
        ("toy_of_mine:system", {"command": "touch boom"}),
        ("toy_of_mine:run", {"args": ["touch", "boom"]}),
        ("toy_of_mine:Popen", {"args": ["touch", "boom"]}),
        ("torch:load", {"f": "boom", "weights_only": False}),
        ("torch.hub:load", {"repo_or_dir": "x", "model": "y"}),
        ("toy_of_mine:torch", {}),
    ],
)
def test_a_card_cannot_call_what_makes_no_model(here, spec, options):
    """A run comes by mail; its model.toml names a callable, which loading it will call."""
    models.save(here / "m", Conv(), Card(spec, options, length=12, outputs=("a", "b")))
    with pytest.raises((UnsafeError, InputError)):
        models.load(here / "m")
    assert not (here / "boom").exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("nested", [True, False])
def test_a_saved_state_dict_is_read_without_running_code(tmp_path, zipped, nested):
    state = Conv().state_dict()
    path = tmp_path / "w.pt"
    torch.save(
        {"state_dict": state, "epoch": 3} if nested else state,
        path,
        _use_new_zipfile_serialization=zipped,
    )
    back = read_weights(path)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[k], state[k]) for k in state)


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_is_refused_and_not_executed(tmp_path, zipped):
    path = tmp_path / "w.pt"
    torch.save({"w": Bomb(tmp_path / "boom")}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UnsafeError, match="could run code") as caught:
        read_weights(path)
    assert caught.value.exit_status == 5
    assert not (tmp_path / "boom").exists()
    torch.load(path, weights_only=False)["w"].close()  # this is what it would have done
    assert (tmp_path / "boom").exists()


def test_a_whole_pickled_model_is_refused(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "w.pt")
    with pytest.raises(UnsafeError, match="Save the state dict alone"):
        read_weights(tmp_path / "w.pt")


@pytest.mark.parametrize("content", [[1, 2], {"w": 3}, torch.ones(2), {1: torch.ones(1)}])
def test_a_file_without_a_state_dict_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(InputError, match="no state dict"):
        read_weights(tmp_path / "w.pt")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_file_is_refused(tmp_path, zipped, share):
    path = tmp_path / "w.pt"
    torch.save(Conv().state_dict(), path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises((InputError, UnsafeError), match=r"w\.pt"):
        read_weights(path)


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_weights(tmp_path / "nothing.pt")
