"""Promises that every attribution method keeps, asked of each entry of the registry.

A new method is picked up by being registered; nothing is listed here by hand.
"""

import contextlib
import inspect
from pathlib import Path

import pytest
import torch

from cisgram import explain
from cisgram.core.errors import InputError, UnknownName
from cisgram.models import BothStrands, create
from cisgram.seq import encode
from toys import Broken, Conv, Linear, Product, hooks_left, state_of

NAMES = [n for n, e in explain.METHODS.items() if e.facts["gives"] == "attribution"]
every = pytest.mark.parametrize("name", NAMES)
complete = pytest.mark.parametrize(
    "name", [n for n in NAMES if explain.METHODS[n].facts["complete"]]
)
random = pytest.mark.parametrize(
    "name", [n for n in NAMES if "seed" in inspect.signature(explain.METHODS[n].fn).parameters]
)
signed = pytest.mark.parametrize("name", [n for n in NAMES if explain.METHODS[n].facts["signed"]])
unsigned = pytest.mark.parametrize(
    "name", [n for n in NAMES if not explain.METHODS[n].facts["signed"]]
)


# as little work as still shows what a method does
CHEAP = {"n_references": 3, "samples": 6, "steps": 8}


def parameters(name):
    return inspect.signature(explain.METHODS[name].fn).parameters


def chosen(name, **options):
    """The options that the method has."""
    return {k: v for k, v in options.items() if k in parameters(name)}


def run(name, *args, **options):
    return explain.METHODS[name].fn(*args, **{**chosen(name, **CHEAP), **options})


@pytest.fixture
def x():
    return encode(["GATTACATGCAC", "TTGACGGCATCA", "AGCANNNNTCGT"])


def test_there_are_methods():
    assert {"ism", "saliency", "gradient_x_input"} <= set(NAMES)


@every
def test_shape_dtype_and_record(name, x):
    a = run(name, Conv(), x, target=0)
    assert a.values.shape == x.shape
    assert a.values.dtype == torch.float32
    assert torch.isfinite(a.values).all()
    assert not a.values.requires_grad
    assert a.method == name
    assert a.options["target"] == 0
    assert a.sequences is x


@every
def test_the_target_alone_is_enough(name, x):
    """Every other argument has a default, with which the method works."""
    a = explain.METHODS[name].fn(Conv(), x, target=0)
    assert torch.isfinite(a.values).all()
    assert a.values.abs().sum() > 0


@every
def test_no_value_is_an_inference_tensor(name, x):
    """What comes out can be used in further training."""
    a = run(name, Conv(), x, target=0)
    (a.values * torch.ones(1, requires_grad=True)).sum().backward()


@every
def test_leaves_model_and_sequences_as_they_were(name, x):
    model, given = Conv().train(), x.clone()
    model.net[1].eval()
    model.net[0].weight.requires_grad_(False)
    before = state_of(model)
    run(name, model, x, target=0)
    assert state_of(model) == before
    assert torch.equal(x, given)
    assert not x.requires_grad


@every
def test_leaves_the_model_as_it_was_when_it_fails(name, x):
    model = Broken().train()
    before = state_of(model)
    with pytest.raises(RuntimeError, match="broken on purpose"):
        run(name, model, x, target=0)
    assert state_of(model) == before
    assert hooks_left(model) == 0


@every
def test_batch_size_changes_nothing(name, x):
    whole = run(name, Conv(), x, target=0).values
    for batch_size in (1, 2, 5, 1000):
        again = run(name, Conv(), x, target=0, batch_size=batch_size).values
        torch.testing.assert_close(again, whole)


@every
def test_sequence_order_changes_nothing(name, x):
    turned = run(name, Conv(), x.flip(0), target=0).values.flip(0)
    torch.testing.assert_close(turned, run(name, Conv(), x, target=0).values)


@every
def test_dropout_is_off(name, x):
    first, second = (run(name, Conv().train(), x, target=0).values for _ in range(2))
    assert torch.equal(first, second)


@every
@pytest.mark.parametrize("dtype", [torch.int8, torch.bool, torch.float64])
def test_every_dtype_of_one_hot_gives_the_same(name, x, dtype):
    a, b = run(name, Conv(), x.to(dtype), target=0), run(name, Conv(), x, target=0)
    assert torch.equal(a.values, b.values)
    assert torch.equal(a.per_position, b.per_position)


@every
def test_unknown_bases_are_allowed_everywhere(name):
    a = run(name, Conv(), encode(["NNNNNNNNNNNN", "ACGTACNTACGN"]), target=1)
    assert torch.isfinite(a.values).all()
    assert (a.per_position[0] == 0).all()


@every
def test_one_sequence_and_long_ones_go_through(name):
    assert run(name, Conv(), encode(["ACGTA"]), target=0).values.shape == (1, 4, 5)


@every
def test_works_where_the_caller_has_turned_gradients_off(name, x):
    whole = run(name, Conv(), x, target=0).values
    with torch.no_grad():
        assert torch.equal(run(name, Conv(), x, target=0).values, whole)
    model = Conv()
    with torch.inference_mode():
        assert torch.equal(run(name, model, x, target=0).values, whole)


@every
@pytest.mark.parametrize("model", ["demo-cnn", "demo-rnn", "demo-cnn-rnn", "deepbind"])
def test_explains_every_model_of_the_zoo(name, model):
    torch.manual_seed(0)
    a = run(name, create(model), encode(["ACGTTGCANACGTTGCATTGACCATGACCA"]))
    assert torch.isfinite(a.values).all()
    assert a.values.abs().sum() > 0


@every
def test_a_two_strand_mean_is_explained_as_one(name, x):
    """The reverse complement of a sequence has the same scores, turned round."""
    model, still = BothStrands(Conv()), chosen(name, reference="uniform")  # shuffles take no turns
    a = run(name, model, x, target=0, **still)
    b = run(name, model, x.flip(1, 2), target=0, **still)
    torch.testing.assert_close(b.values.flip(1, 2), a.values)


@every
def test_a_function_of_the_output_is_a_target(name, x):
    a = run(name, Conv(), x, target=0)
    b = run(name, Conv(), x, target=lambda y: y[:, 0])
    torch.testing.assert_close(a.values, b.values)


@every
def test_a_single_output_needs_no_target(name, x):
    assert torch.equal(
        run(name, Linear(outputs=1), x).values, run(name, Linear(outputs=1), x, target=0).values
    )


@every
def test_asks_which_output(name, x):
    with pytest.raises(InputError, match="2 outputs; say which"):
        run(name, Conv(), x)


@every
@pytest.mark.parametrize("target", [2, -1, True, "0", 1.0])
def test_refuses_a_target_that_is_no_column(name, x, target):
    with pytest.raises(InputError, match="column from 0 to 1"):
        run(name, Conv(), x, target=target)


@every
@pytest.mark.parametrize("target", [lambda y: y, lambda y: y.sum(), lambda y: 3.0])
def test_refuses_a_target_function_that_gives_no_number_a_sequence(name, x, target):
    with pytest.raises(InputError, match=r"one number a sequence, \(\d+,\); got"):
        run(name, Conv(), x, target=target)


@every
@pytest.mark.parametrize("head", [torch.nn.Identity(), torch.nn.Flatten(0), None])
def test_refuses_an_output_without_columns(name, x, head):
    class Odd(Conv):
        def forward(self, x):
            return (super().forward(x),) if head is None else head(self.net[0](x))

    with pytest.raises(InputError, match=r"output of shape \(n, t\); got"):
        run(name, Odd(), x, target=0)


@every
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: x.transpose(1, 2), r"transpose\(1, 2\)"),
        (lambda x: x[0], r"unsqueeze\(0\)"),
        (lambda x: x * 2, "only 0 and 1"),
        (lambda x: (x + x.flip(1)).clamp(max=1), "more than one base"),
        (lambda x: x[:0], "no sequences"),
        (lambda x: ["ACGT"], "encode"),
    ],
)
def test_refuses_what_is_no_sequence(name, x, wrong, message):
    with pytest.raises(InputError, match=message):
        run(name, Conv(), wrong(x), target=0)


@every
@pytest.mark.parametrize("batch_size", [0, -3, 2.0])
def test_refuses_a_batch_of_nothing(name, x, batch_size):
    with pytest.raises(InputError, match="batch_size"):
        run(name, Conv(), x, target=0, batch_size=batch_size)


@unsigned
def test_unsigned_methods_give_no_negative_value(name, x):
    assert (run(name, Conv(), x, target=0).values >= 0).all()


@signed
def test_signed_methods_change_sign_with_the_target(name, x):
    a = run(name, Conv(), x, target=0)
    b = run(name, Conv(), x, target=lambda y: -y[:, 0])
    torch.testing.assert_close(b.values, -a.values)


@every
def test_a_model_that_ignores_a_position_gives_it_nothing(name):
    """f = (A at 2) * (C at 7): no other position can matter."""
    a = run(name, Product(), encode(["GGAGGGGCGGGG"]), **chosen(name, window=1))
    silent = [i for i in range(12) if i not in (2, 7)]
    assert (a.values[:, :, silent] == 0).all()
    assert (a.values[:, :, [2, 7]] != 0).any(1).all()


@every
def test_linear_model_explains_itself(name, x):
    """With weights of mean 0 at each position, every method sees nothing but the letter's own."""
    model = Linear()
    with torch.no_grad():
        model.weight -= model.weight.mean(1, keepdim=True)
    own = (model.weight[1].detach() * x).sum(1)
    if not explain.METHODS[name].facts["signed"]:
        own = own.abs()
    options = chosen(name, reference="uniform", window=1)
    a = run(name, model, x, target=1, **options)
    if a.substitutions:  # against the mean of the other three, which is minus a third of it
        own = own * 4 / 3
    torch.testing.assert_close(a.per_position, own)


@every
def test_a_constant_model_gets_zeros(name, x):
    model = Conv()
    with torch.no_grad():
        model.net[-1].weight.zero_()
    a = run(name, model, x, target=0)
    assert (a.values == 0).all()
    assert a.delta is None or (a.delta == 0).all()


@complete
@pytest.mark.parametrize("reference", [None, "zeros", "uniform", "background", "shuffles", "given"])
def test_complete_methods_add_up(name, x, reference):
    options = {} if reference is None else {"reference": reference}
    if reference == "given":
        options["reference"] = x.flip(0)[:, None].float()
    a = run(name, Conv(), x, target=0, **options)
    most = max(1e-5, chosen(name, tolerance=1e-3).get("tolerance", 0))
    assert (a.delta.abs() <= most * a.per_position.abs().sum(1) + 1e-6).all()


@every
def test_delta_is_what_is_missing_from_the_difference_to_the_reference(name, x):
    model, zeros = Conv().eval(), torch.zeros_like(x)
    a = run(name, model, x, target=0, **chosen(name, reference="zeros"))
    if a.delta is None:
        assert not explain.METHODS[name].facts["complete"]
        return
    with torch.no_grad():
        difference = model(x)[:, 0] - model(zeros)[:, 0]
    torch.testing.assert_close(a.delta, a.per_position.sum(1) - difference, atol=2e-6, rtol=0)


@random
def test_the_same_seed_gives_the_same_and_another_another(name, x):
    drawn = chosen(name, reference="shuffles", fill="shuffles")
    a, b, c = (run(name, Conv(), x, target=0, seed=s, **drawn).values for s in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@every
def test_scores_do_not_depend_on_the_company(name, x):
    """Nor does what is drawn for a sequence."""
    drawn = chosen(name, reference="shuffles", fill="shuffles")
    whole = run(name, Conv(), x, target=0, **drawn).values
    alone = torch.cat([run(name, Conv(), one[None], target=0, **drawn).values for one in x])
    torch.testing.assert_close(alone, whole)


@every
def test_weights_that_are_no_numbers_are_refused(name, x):
    model = Conv().train()
    with torch.no_grad():
        model.net[-1].weight[0, 0] = torch.nan
    before = [m.training for m in model.modules()], hooks_left(model)
    with pytest.raises(InputError, match=r"nan for \d+ of \d+ sequences.*load other weights"):
        run(name, model, x, target=0)
    assert ([m.training for m in model.modules()], hooks_left(model)) == before
    with contextlib.suppress(InputError):  # the other output is well, its gradient has 0 * NaN
        assert torch.isfinite(run(name, model, x, target=1).values).all()


@every
def test_a_model_keeps_its_own_hooks_and_they_count(name, x):
    """A hook that doubles the output doubles every score."""
    model, plain = Conv(), run(name, Conv(), x, target=0)
    model.net[-1].register_forward_hook(lambda _, __, out: 2 * out)
    doubled = run(name, model, x, target=0)
    torch.testing.assert_close(doubled.values, 2 * plain.values)
    assert hooks_left(model) == 1


@pytest.mark.gpu
@every
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
def test_cpu_and_accelerator_agree(name, x):
    """The answer is on the CPU; the model stays where it was."""
    here = run(name, Conv(), x, target=0).values
    model = Conv().cuda()
    for where in (x, x.cuda()):
        a = run(name, model, where, target=0)
        assert a.values.device.type == "cpu"
        torch.testing.assert_close(a.values, here, atol=1e-4, rtol=1e-3)
        assert a.per_position.shape == (3, 12)
    assert all(p.device.type == "cuda" for p in model.parameters())


@every
def test_every_method_says_what_it_is(name):
    entry = explain.METHODS[name]
    assert entry.summary
    assert {"gives", "needs", "complete", "signed", "cite"} <= entry.facts.keys()
    parameters = inspect.signature(entry.fn).parameters
    assert parameters["target"].default is None
    assert getattr(explain, name) is entry.fn


def test_every_file_of_the_methods_is_exported():
    folder = Path(explain.__file__).parent / "methods"
    assert {p.stem for p in folder.glob("*.py")} - {"__init__"} == set(explain.METHODS)


def test_did_you_mean():
    with pytest.raises(UnknownName, match="Did you mean 'saliency'"):
        explain.METHODS["salience"]
