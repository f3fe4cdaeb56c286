import pytest

from cisgram.core import checks, errors, extras
from cisgram.core.errors import CisgramError, InputError, MissingExtra

ALL = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, CisgramError)]


@pytest.mark.parametrize("kind", ALL, ids=lambda k: k.__name__)
def test_everything_raised_on_purpose_is_caught_by_one_name_and_ends_with_a_known_status(kind):
    with pytest.raises(CisgramError):
        raise kind("why")
    assert kind.exit_status in {2, 4, 5}
    assert (kind.__doc__ or "").strip()


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        ("InputError", ValueError),
        ("UnknownName", LookupError),
        ("MissingExtra", ImportError),
        ("StorageError", OSError),
    ],
)
def test_who_does_not_know_us_catches_the_usual_error(kind, builtin):
    assert issubclass(getattr(errors, kind), builtin)


def test_statuses_tell_wrong_use_from_a_full_disk_and_from_danger():
    assert [k("").exit_status for k in (InputError, errors.StorageError, errors.UnsafeError)] == [
        2,
        4,
        5,
    ]


def test_a_missing_extra_is_named_with_the_command_that_brings_it():
    with pytest.raises(MissingExtra, match=r"pip install 'cisgram\[ray\]'"):
        extras.require("no_such_package_here.part", extra="ray")


def test_an_extra_that_is_there_is_given():
    assert extras.require("json.decoder", extra="ray").JSONDecoder


def test_an_extra_that_breaks_on_another_import_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_extra.py").write_text("import absent_dependency_of_it\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="absent_dependency_of_it") as caught:
        extras.require("broken_extra", extra="ray")
    assert not isinstance(caught.value, MissingExtra)


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "3", None])
def test_counts_are_integers_of_at_least_one(value):
    with pytest.raises(InputError, match="n_seeds must be an integer of at least 1; got"):
        checks.check_positive(value, name="n_seeds")


def test_a_count_of_one_is_enough():
    checks.check_positive(1, name="n_seeds")


class TestOneHot:
    def test_one_hot_arrays_pass_with_zeros_for_n(self):
        import torch

        x = torch.eye(4)[None]
        x[0, :, 2] = 0
        checks.check_onehot(x)
        checks.check_onehot(x.to(torch.int8))

    @pytest.mark.parametrize(
        ("shape", "remedy"),
        [
            ((2, 7, 4), r"got \(2, 7, 4\).*call x.transpose\(1, 2\)"),
            ((4, 7), r"got \(4, 7\).*call x.unsqueeze\(0\)"),
            ((2, 5, 7), r"got \(2, 5, 7\)\.$"),
        ],
    )
    def test_another_shape_is_refused_with_its_remedy(self, shape, remedy):
        import torch

        with pytest.raises(InputError, match=remedy):
            checks.check_onehot(torch.zeros(shape))

    def test_text_is_refused_with_what_encodes_it(self):
        with pytest.raises(InputError, match=r"got str.*cisgram\.seq\.encode"):
            checks.check_onehot("ACGT")

    def test_probabilities_and_two_bases_at_one_position_are_refused_with_the_place(self):
        import torch

        x = torch.eye(4).repeat(3, 1, 1)
        with pytest.raises(InputError, match=r"only 0 and 1; got values in \[0, 0\.5\]"):
            checks.check_onehot(x / 2)
        x[1, 0, 3] = 1
        with pytest.raises(InputError, match=r"x\[1\] has more than one base at position 3"):
            checks.check_onehot(x)
