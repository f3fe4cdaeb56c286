"""Models that are built, kept or broken in every way that a user's may be.

Each is explained rightly, or refused in one paragraph; and it is found as it was.
"""

import inspect

import pytest
import torch
from torch import nn

from cisgram import explain
from cisgram.core.errors import InputError, ModelError
from cisgram.models import predict
from cisgram.seq import encode
from toys import Conv, hooks_left

NAMES = [n for n, e in explain.METHODS.items() if e.facts["gives"] == "attribution"]
every = pytest.mark.parametrize("name", NAMES)
# as little work as still shows what a method does
CHEAP = {"n_references": 3, "samples": 6, "steps": 8}
SEQUENCES = ["GATTACATGCAC", "TTGACGGCATCA", "AGCANNNNTCGT"]
BY_GRADIENT = {  # those that PyTorch's own gradient is taken for; deep_lift records operations
    n for n in NAMES if explain.METHODS[n].facts["needs"] == "gradients" and n != "deep_lift"
}


def run(name, *args, **options):
    entry = explain.METHODS[name]
    has = inspect.signature(entry.fn).parameters
    return entry.fn(*args, **{k: v for k, v in CHEAP.items() if k in has}, **options)


class Around(nn.Module):
    """`Conv` inside a module of the user's own."""

    def __init__(self):
        super().__init__()
        self.inner = Conv()

    def forward(self, x):
        return self.inner(x)


class ChangesItsInput(Around):
    def forward(self, x):
        return self.inner(x.mul_(2) / 2)


class CountsItsCalls(Around):
    """State in a buffer, in one that appears, and in a tensor kept for next time."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("last", None)

    def forward(self, x):
        self.calls.add_(1)
        self.last = x.detach().sum()
        if not hasattr(self, "ones"):
            self.ones = torch.ones(1, 4, 1)
        return self.inner(x * self.ones)


class Tuple(Around):
    def forward(self, x):
        return self.inner(x), x.sum()


class Dictionary(Around):
    def forward(self, x):
        return {"logits": self.inner(x)}


class OneAtATime(Around):
    def forward(self, x):
        if len(x) > 1:
            msg = "one sequence at a time"
            raise ValueError(msg)
        return self.inner(x)


class OneLength(Around):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4 * 10, 1)

    def forward(self, x):
        return self.head(x.flatten(1))


class WantsMore(Around):
    def forward(self, x, methylation):
        return self.inner(x) + methylation


class MixesTheBatch(Around):
    def forward(self, x):
        y = self.inner(x)
        return y - y.mean(0)


class DrawsNumbers(Around):
    def forward(self, x):
        return self.inner(x) + torch.randn(len(x), 1)


class TurnsItsDropoutOn(Around):
    def forward(self, x):
        self.train()
        return self.inner(x)


class Complex(Around):
    def forward(self, x):
        return torch.fft.fft(self.inner(x))


class Detaches(Around):
    def forward(self, x):
        return self.inner(x.detach())


class RunsWithoutGradients(Around):
    def forward(self, x):
        with torch.no_grad():
            return self.inner(x)


class Rounds(Around):
    def forward(self, x):
        return self.inner(x.to(torch.int8).float())


def tied():
    model = Conv()
    model.again = model.net
    return model


def normed():
    model = Conv()
    nn.utils.parametrizations.weight_norm(model.net[0])
    return model


def lazy():
    return nn.Sequential(
        nn.LazyConv1d(8, 5), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.LazyLinear(2)
    )


def backward_hooked():
    model = Conv()
    model.net[1].register_full_backward_hook(lambda *_: None)
    model.net[0].register_forward_pre_hook(lambda *_: None)
    return model


def hook_that_fails():
    def fail(*_):
        msg = "a hook of the user's own"
        raise KeyError(msg)

    model = Conv()
    model.net[2].register_forward_hook(fail)
    return model


def traced():
    with torch.no_grad():
        return torch.jit.trace(Conv().eval(), encode(SEQUENCES))


LIKE_CONV = {
    "around": Around,
    "changes its input in place": ChangesItsInput,
    "keeps state": CountsItsCalls,
    "averaged weights": lambda: torch.optim.swa_utils.AveragedModel(Conv()),
    "DataParallel": lambda: nn.DataParallel(Conv()),
    "one module by two names": tied,
    "weight norm": normed,
    "backward hooks": backward_hooked,
    "double": lambda: Conv().double(),
}
COMPILED = {"torch.compile": lambda: torch.compile(Conv(), backend="eager")}
SCRIPTED = {"ScriptModule": lambda: torch.jit.script(Conv().net), "traced": traced}
FAILING = {
    "one at a time": (OneAtATime, "failed on .*ValueError: one sequence at a time.*batch_size"),
    "one length": (OneLength, r"12 bp, x of shape .*RuntimeError: mat1 and mat2 .*length"),
    "wants more than x": (WantsMore, "missing 1 required positional argument: 'methylation'"),
    "a failing hook": (hook_that_fails, "KeyError: .a hook of the user's own"),
}
REFUSED = {
    "lazy": (lazy, "lazy layers that never ran"),
    "meta device": (lambda: Conv().to("meta"), "meta device"),
    "complex": (Complex, "complex numbers"),
    "tuple": (Tuple, r"got tuple.*lambda y: y\[0\]\[:, 0\]"),
    "dictionary": (Dictionary, r"got dict.*lambda y: y\['logits'\]\[:, 0\]"),
}
NOT_ITS_OWN = {
    "mixes the batch": MixesTheBatch,
    "draws numbers": DrawsNumbers,
    "turns its dropout on": TurnsItsDropoutOn,
}
CUT_OFF = {"detaches": Detaches, "no_grad": RunsWithoutGradients, "rounds": Rounds}


def found_as_it_was(model):
    """What must be the same before and after."""
    attributes = [
        {k: v for k, v in vars(m).items() if isinstance(v, torch.Tensor | bool)}
        for m in model.modules()
    ]
    tensors = [*model.named_parameters(), *model.named_buffers()]
    is_whole = not any(nn.parameter.is_lazy(t) or t.device.type == "meta" for _, t in tensors)
    return (
        [m.training for m in model.modules()],
        [(k, t.requires_grad) for k, t in tensors],
        [(k, t.detach().double().sum().item()) for k, t in tensors if is_whole],
        attributes,
        hooks_left(model),
        torch.is_grad_enabled(),
    )


@pytest.fixture
def x():
    return encode(SEQUENCES)


def explained(name, model, x, **options):
    """Run, and see to it that model and sequences are left alone whatever happens."""
    model.train()
    before, given = found_as_it_was(model), x.clone()
    try:
        return run(name, model, x, target=options.pop("target", 0), **options)
    finally:
        assert found_as_it_was(model) == before
        assert torch.equal(x, given)


@every
@pytest.mark.parametrize("kind", LIKE_CONV)
def test_what_wraps_a_model_is_explained_as_the_model(name, kind, x):
    plain = run(name, Conv(), x, target=0).values
    a = explained(name, LIKE_CONV[kind](), x)
    torch.testing.assert_close(a.values, plain, atol=1e-6, rtol=1e-5)


@every
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # torch's own
@pytest.mark.filterwarnings("ignore:Using `torch.compile.module.`:UserWarning")
@pytest.mark.parametrize("kind", COMPILED)
def test_compiled_models_are_explained(name, kind, x):
    plain = run(name, Conv(), x, target=0).values
    a = explained(name, COMPILED[kind](), x)
    torch.testing.assert_close(a.values, plain, atol=1e-6, rtol=1e-5)


@every
@pytest.mark.parametrize("kind", SCRIPTED)
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_scripted_and_traced_models_are_explained(name, kind, x):
    plain = run(name, Conv(), x, target=0).values
    a = explained(name, SCRIPTED[kind](), x)
    torch.testing.assert_close(a.values, plain, atol=1e-6, rtol=1e-5)


@every
@pytest.mark.parametrize("kind", ["half", "bfloat16"])
def test_low_precision_is_explained_to_its_digits_or_refused(name, kind, x):
    plain = run(name, Conv(), x, target=0).values
    digits = torch.finfo(getattr(torch, kind)).eps
    try:
        a = explained(name, getattr(Conv(), kind)(), x)
    except InputError as error:  # a complete method cannot add up better than its numbers
        assert explain.METHODS[name].facts["complete"]
        assert "should add up" in str(error)  # noqa: PT017
    else:
        assert a.values.dtype == torch.float32
        torch.testing.assert_close(a.values, plain, atol=4 * digits, rtol=0.05)


@every
@pytest.mark.parametrize("kind", FAILING)
def test_a_failing_model_is_one_paragraph(name, kind, x):
    make, message = FAILING[kind]
    with pytest.raises(ModelError, match=message) as told:
        explained(name, make(), x)
    assert told.value.__cause__ is not None
    assert "\n" not in str(told.value)


@every
@pytest.mark.parametrize("kind", REFUSED)
def test_a_model_that_cannot_be_explained_is_refused(name, kind, x):
    make, message = REFUSED[kind]
    with pytest.raises(InputError, match=message) as told:
        explained(name, make(), x)
    assert "\n" not in str(told.value)


@every
@pytest.mark.parametrize("kind", NOT_ITS_OWN)
def test_numbers_that_are_not_the_sequences_own_are_refused(name, kind, x):
    torch.manual_seed(0)
    with pytest.raises(InputError) as told:
        explained(name, NOT_ITS_OWN[kind](), x)
    if name != "deep_lift":  # which finds that the scores do not add up
        assert "no score would be the sequence's own" in str(told.value)


@every
@pytest.mark.parametrize("kind", CUT_OFF)
def test_a_gradient_that_is_cut_off_is_refused_and_operations_are_not(name, kind, x):
    if name in BY_GRADIENT:
        with pytest.raises(InputError, match=r"gradient is cut off.*ism or occlusion"):
            explained(name, CUT_OFF[kind](), x)
    else:
        plain = run(name, Conv(), x, target=0).values
        a = explained(name, CUT_OFF[kind](), x)
        torch.testing.assert_close(a.values, plain, atol=1e-6, rtol=1e-5)


@every
def test_an_output_that_is_constant_has_zeros_and_needs_no_gradient(name, x):
    class Constant(Around):
        def forward(self, x):
            return x.new_full((len(x), 1), 3.0) + 0 * self.inner(x)

    assert (explained(name, Constant(), x).values == 0).all()


@every
@pytest.mark.parametrize(
    ("make", "target"),
    [(Tuple, lambda y: y[0][:, 0]), (Dictionary, lambda y: y["logits"][:, 0])],
)
def test_a_target_function_reaches_into_any_output(name, make, target, x):
    plain = run(name, Conv(), x, target=0).values
    torch.testing.assert_close(explained(name, make(), x, target=target).values, plain)


@every
@pytest.mark.parametrize("way", [lambda y: y[:, 7], lambda y: y["a"], lambda y: y.nothing])
def test_a_failing_target_leaves_all_as_it_was(name, way, x):
    with pytest.raises((IndexError, TypeError, AttributeError, InputError)):
        explained(name, Conv(), x, target=way)


@every
def test_a_model_can_be_trained_after_what_it_kept_meanwhile(name, x):
    """A tensor that a model keeps from a pass without gradients would stop its training."""
    model = CountsItsCalls()
    explained(name, model, x)
    model(x)[:, 0].sum().backward()
    assert model.inner.net[0].weight.grad.abs().sum() > 0


@every
@pytest.mark.parametrize("shape", [(1, 4, 0), (0, 4, 12), (3, 5, 12), (3, 4), (3, 4, 12, 1), (4,)])
def test_shapes_that_are_no_sequences_are_refused(name, shape):
    with pytest.raises(InputError):
        explained(name, Conv(), torch.zeros(shape))


@every
def test_numbers_that_are_no_letters_are_refused(name, x):
    for wrong in (torch.nan, torch.inf, -1.0, 0.5):
        spoilt = torch.where(x == 1, wrong, x)
        with pytest.raises(InputError, match="only 0 and 1"):
            run(name, Conv(), spoilt, target=0)


def test_prediction_leaves_the_sequences_alone(x):
    given = x.clone()
    predict(ChangesItsInput(), x)
    assert torch.equal(x, given)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_prediction_is_in_the_precision_of_the_weights(dtype, x):
    plain = predict(Conv(), x)
    found = predict(Conv().to(dtype), x)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, plain, atol=2 * torch.finfo(dtype).eps + 1e-6, rtol=0)


def test_prediction_leaves_the_buffers_alone(x):
    model = CountsItsCalls()
    predict(model, x)
    assert (model.calls, model.last) == (0, None)
