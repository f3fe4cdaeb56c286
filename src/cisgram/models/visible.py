"""Networks whose neurons belong to the terms of an ontology (DCell)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.models.masked import MaskedLinear

FEWEST, SHARE = 10, 0.2  # neurons of a term: max(10, floor(.2 genes))


class Ontology:
    """Terms, the terms below each, and the genes that are annotated to each.

    Attributes
    ----------
    genes
        Columns of the network's input, in order.
    children
        Terms directly below each term; none for a leaf.
    annotated
        Genes annotated to a term itself.
    order
        All terms, each behind those below it; the last is the root.

    Raises
    ------
    InputError
        When a term is below itself, when there is not one root, when a gene is unknown, or a term
        has neither genes nor terms below.

    Examples
    --------
    >>> tree = Ontology("abc", {"root": ["t"]}, {"t": "ab", "root": "c"})
    >>> tree.order, tree.genes_of("root"), tree.neurons("t")
    (('t', 'root'), ('a', 'b', 'c'), 10)
    """

    def __init__(
        self,
        genes: Iterable[str],
        children: Mapping[str, Iterable[str]],
        annotated: Mapping[str, Iterable[str]],
    ) -> None:
        self.genes = tuple(genes)
        self.annotated = {term: tuple(own) for term, own in annotated.items()}
        below = {term: tuple(terms) for term, terms in children.items()}
        try:
            self.order = tuple(TopologicalSorter(below | self._alone(below)).static_order())
        except CycleError as error:
            msg = f"The ontology has a term below itself: {' below '.join(error.args[1])}."
            raise InputError(msg) from error
        self.children = {term: below.get(term, ()) for term in self.order}
        self._check()
        self._genes: dict[str, frozenset[str]] = {}
        for term in self.order:
            lower = (self._genes[t] for t in self.children[term])
            self._genes[term] = frozenset(self.annotated.get(term, ())).union(*lower)

    def _alone(self, below: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {term: () for term in self.annotated if term not in below}

    def _check(self) -> None:
        lower = {t for terms in self.children.values() for t in terms}
        roots = [t for t in self.order if t not in lower]
        if len(roots) != 1:
            msg = f"An ontology has one root; these terms are below none: {', '.join(roots)}."
            raise InputError(msg)
        known = set(self.genes)
        for term in self.order:
            own = self.annotated.get(term, ())
            strange = [g for g in own if g not in known]
            if strange:
                msg = f"{term} has a gene that is not among the inputs: {strange[0]}."
                raise InputError(msg)
            if not own and not self.children[term]:
                msg = f"{term} has neither genes nor terms below it; leave it out."
                raise InputError(msg)

    @property
    def root(self) -> str:
        """The term above all."""
        return self.order[-1]

    def genes_of(self, term: str) -> tuple[str, ...]:
        """Genes of a term and of all terms below it, in the order of the inputs."""
        return tuple(g for g in self.genes if g in self._genes[term])

    def neurons(self, term: str) -> int:
        """Size of a term's state: max(10, floor(0.2 x its genes))."""
        return max(FEWEST, int(SHARE * len(self._genes[term])))


class VisibleNetwork(nn.Module):
    """A state for each term of an ontology, computed from its genes and the terms below it.

    With x the genes, h_t = norm(tanh(W_t [(G_t * M_t) x, h_c for c below t])): M_t lets in the
    genes annotated to t. The output is linear in the root's state. Input is (n, genes), not DNA.

    References
    ----------
    Ma J, Yu MK, Fong S, et al. (2018). Using deep learning to model the hierarchical structure and
    function of a cell. Nature Methods 15:290-298. Sizes and the order tanh, then norm, are those of
    the released code (MIT); its masks act on gradients, ours in the forward pass.

    Examples
    --------
    >>> tree = Ontology("abc", {"root": ["t"]}, {"t": "ab", "root": "c"})
    >>> VisibleNetwork(tree)(torch.ones(4, 3)).shape
    torch.Size([4, 1])
    """

    def __init__(self, ontology: Ontology) -> None:
        super().__init__()
        self.ontology = ontology
        self.numbers = {term: str(i) for i, term in enumerate(ontology.order)}
        self.genes, self.terms, self.heads = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for term, key in self.numbers.items():
            h = ontology.neurons(term)
            d = sum(ontology.neurons(c) for c in ontology.children[term])
            own = set(ontology.annotated.get(term, ()))
            if own:
                reads = torch.tensor([[g in own for g in ontology.genes]])
                self.genes[key] = MaskedLinear(reads.expand(h, -1))
                d += h
            self.terms[key] = nn.Sequential(nn.Linear(d, h), nn.Tanh(), nn.BatchNorm1d(h))
            self.heads[key] = nn.Linear(h, 1)

    def states(self, x: Tensor) -> dict[str, Tensor]:
        """(n, neurons) state of every term."""
        found: dict[str, Tensor] = {}
        for term, key in self.numbers.items():
            parts = [found[c] for c in self.ontology.children[term]]
            if key in self.genes:
                parts.insert(0, self.genes[key](x))
            found[term] = self.terms[key](torch.cat(parts, 1))
        return found

    def guesses(self, states: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """(n, 1) what each term says of the output; tanh of a sum, but for the root."""
        said = {t: self.heads[self.numbers[t]](h) for t, h in states.items()}
        return {t: y if t == self.ontology.root else torch.tanh(y) for t, y in said.items()}

    def forward(self, x: Tensor) -> Tensor:
        n = len(self.ontology.genes)
        if x.ndim != 2 or x.shape[1] != n:
            msg = f"x must be (n, {n}), one column a gene; got {tuple(x.shape)}."
            raise InputError(msg)
        out: Tensor = self.guesses(self.states(x))[self.ontology.root]
        return out


def visible_loss(model: VisibleNetwork, x: Tensor, y: Tensor, *, terms: float = 0.5) -> Tensor:
    """Mean squared error of the output, plus ``terms`` times the sum of those of all other terms.

    The terms' own guesses keep each state about its subsystem; 0.5 is the released code's weight.

    Parameters
    ----------
    model
        With its states in training mode.
    x, y
        (n, genes) and (n, 1).
    terms
        Weight of the guesses of the terms.
    """
    said = model.guesses(model.states(x))
    root = said.pop(model.ontology.root)
    own = [F.mse_loss(guess, y) for guess in said.values()]
    return F.mse_loss(root, y) + terms * torch.stack(own).sum() if own else F.mse_loss(root, y)
