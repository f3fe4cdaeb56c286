"""Generators of sequences: fitted to a file, turned by an analyzer, climbed, sampled, judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from cisgram.core import config, files
from cisgram.core.config import Options
from cisgram.core.errors import InputError
from cisgram.core.lock import only_one
from cisgram.core.run import Run
from cisgram.core.seeds import generator
from cisgram.data import read_dataset
from cisgram.design import Maximized, maximize
from cisgram.io import read_sequences
from cisgram.io.text import unique_names
from cisgram.models import predict, read_card
from cisgram.models.generator import (
    GeneratorCard,
    load_generator,
    sample,
    save_generator,
)
from cisgram.seq import from_codes
from cisgram.seq.spectra import jensen_shannon, markov_chain, nearest_distance, spectrum
from cisgram.steps.analyzers import analyzer_of
from cisgram.steps.history import history_name, write_history
from cisgram.train.adversarial import AdversarialOptions, fit_adversarial
from cisgram.train.feedback import Feedback

if TYPE_CHECKING:
    import pandas as pd

    from cisgram.train import State

Codes = NDArray[np.uint8]
Array = NDArray[np.float64]
Told = Callable[[str], None]
HOME = "generator"
WORDS = (3, 4, 5, 6)
ORDER = 3
COMPARED = 1000  # sequences of each kind whose neighbors are looked for


class GenerateOptions(AdversarialOptions):
    """What a generator is fitted to, and how."""

    positives: str = Field(description="file of sequences; with labels, those above 0 are read")
    genome: str | None = Field(default=None, description="FASTA that peaks lie on")
    length: int | None = Field(
        default=None, ge=4, le=1000, description="bp of a sequence's middle; by default the longest"
    )
    most: int | None = Field(default=None, ge=20, description="only the first so many")
    held_out: float = Field(default=0.25, gt=0, lt=0.9, description="share that judges")
    seed: int = Field(default=0, ge=0, description="of everything random")
    latent: int = Field(default=64, ge=1, description="normal numbers that make a sequence")
    channels: int = Field(default=32, ge=1, description="of the convolutions")
    blocks: int = Field(default=1, ge=0, description="residual blocks of each network")

    def card(self, length: int) -> GeneratorCard:
        """Sizes of the networks."""
        return GeneratorCard(
            length=length, latent=self.latent, channels=self.channels, blocks=self.blocks
        )


class FeedbackOptions(Options):
    """How an analyzer turns a generator."""

    epochs: int = Field(default=15, ge=1, description="each after an exchange of sequences")
    steps: int = Field(default=40, ge=1, description="generator steps in an epoch")
    samples: int = Field(default=960, ge=1, description="sequences made and scored in an epoch")
    threshold: float = Field(default=0.8, gt=0, lt=1, description="probability to come in above")
    learning_rate: float = Field(default=3e-4, gt=0, description="of both networks")
    seed: int = Field(default=0, ge=0, description="of everything random")


def generate_run(
    run: Run,
    options: GenerateOptions,
    *,
    progress: Callable[[State], None] | None = None,
    say: Told = lambda _: None,
) -> dict[str, Any]:
    """Fit a generator to the sequences of a file and judge its samples; resumes.

    Writes ``generator/`` (weights of generator and critic), ``history.tsv``, ``samples.fa`` and
    ``metrics.json`` (`judged`).

    Raises
    ------
    InputError
        When file or options are wrong, or the folder holds another run.
    """
    train, held = sequences_of_run(options, say)
    inputs = {"positives": Path(options.positives)}
    run.begin({"generate": options.model_dump(mode="json")}, inputs=inputs)
    with only_one(run.path):
        found = run.finished("samples.fa")
        if found is not None:
            return found
        home = run.path / HOME
        if not (home / "generator.toml").is_file():
            checkpoint = home / "checkpoint.safetensors"
            card = options.card(train.shape[1])
            pair, state = fit_adversarial(
                train, card, options, seed=options.seed, checkpoint=checkpoint, progress=progress
            )
            write_history(run, history_name(0), state)
            save_generator(home, pair.generator, pair.critic, card)
            checkpoint.unlink(missing_ok=True)
        made = sample_run(run, COMPARED * 3, seed=options.seed)
        write_samples(run.path / "samples.fa", made[:COMPARED])
        metrics = judged(made, train, held, seed=options.seed)
        files.write_json(run.path / "metrics.json", metrics)
    return metrics


def sequences_of_run(options: GenerateOptions, say: Told = lambda _: None) -> tuple[Codes, Codes]:
    """Codes that a generator is fitted to, and codes that were held out.

    Sequences of one length, without N, each once; with labels those whose first one is above 0 or
    missing, which of measurements (log ratios, z scores) may be another half than is meant.
    """
    length = options.length
    if length is None:
        found = read_sequences(options.positives, genome=options.genome)
        length = max(len(s) for s in found.letters)
    given = read_dataset(options.positives, length, genome=options.genome)
    data = given.data
    codes = np.asarray(data.codes)
    is_positive = np.isnan(data.y[:, 0]) | (data.y[:, 0] > 0)
    whole = is_positive & (codes < 4).all(1)
    codes = codes[whole]
    first = np.sort(np.unique(codes, axis=0, return_index=True)[1])
    codes = codes[first][: options.most]
    if given.told:
        say(given.told)
    n_held = round(options.held_out * len(codes))
    if n_held < 2 or len(codes) - n_held < options.batch_size:
        msg = (
            f"{options.positives} holds {len(codes)} distinct positive sequences of {length} bp "
            f"without N; at least {options.batch_size} to fit to and 2 to hold out are needed."
        )
        raise InputError(msg)
    say(f"{len(codes) - n_held} sequences of {length} bp to fit to, {n_held} held out.")
    order = generator(options.seed, "held-out sequences").permutation(len(codes))
    return codes[np.sort(order[n_held:])], codes[np.sort(order[:n_held])]


def generate_options_of(run: Run) -> GenerateOptions:
    """The options that a generator was fitted with."""
    found = run.read().get("settings", {}).get("generate")
    if found is None:
        msg = f"{run.path} holds no generator: 'cisgram generate train' makes one."
        raise InputError(msg)
    return config.validate(GenerateOptions, found, source=str(run.toml))


def sample_run(run: Run, n: int, *, seed: int = 0) -> Codes:
    """Codes of n new sequences of a run's generator."""
    return sample(load_generator(run.path / HOME)[0], n, seed=seed)


def write_samples(path: Path, codes: Codes) -> None:
    """Sequences as FASTA, ``made_1``, ``made_2``, ..."""
    lines = [f">made_{i}\n{s}\n" for i, s in enumerate(from_codes(codes), 1)]
    files.write_text(path, "".join(lines))


def judged(made: Codes, train: Codes, held: Codes, *, seed: int = 0) -> dict[str, Any]:
    """How made sequences compare with held-out ones, beside a Markov chain and the training set.

    Returns
    -------
    dict
        ``spectra``: by source (``generator``, ``markov``, ``training``) and k the Jensen-Shannon
        divergence (bits) of its k-mers from those held out, of equally many sequences each.
        ``nearest``: median number of letters to the nearest training sequence, of made and of
        held-out ones, and ``copies``, the share of made ones that are in the training set.
        ``apart``: median distance to the nearest of their own kind.
    """
    n = min(len(made), len(train))
    random = generator(seed, "judged")
    chain = markov_chain(train, ORDER).sample(n, train.shape[1], seed=seed)
    sources = {"generator": made[:n], "markov": chain, "training": random.permutation(train)[:n]}
    some = made[:COMPARED]
    few = held[:COMPARED]
    near = {"generator": nearest_distance(some, train), "held_out": nearest_distance(few, train)}
    m = min(len(some), len(few))
    return {
        "n": {"made": n, "training": len(train), "held_out": len(held)},
        "spectra": {
            name: {str(k): jensen_shannon(spectrum(held, k), spectrum(codes, k)) for k in WORDS}
            for name, codes in sources.items()
        },
        "nearest": {name: float(np.median(d)) for name, d in near.items()}
        | {"copies": float((near["generator"] == 0).mean())},
        "apart": {
            "generator": float(np.median(nearest_distance(some[:m], some[:m], same=True))),
            "held_out": float(np.median(nearest_distance(few[:m], few[:m], same=True))),
        },
    }


def _trained_on(run: Run) -> tuple[GenerateOptions, Codes, Codes]:
    """How a run's generator was fitted, to what, and what was held out, read again.

    Raises
    ------
    InputError
        When the run has no generator, or its file is no longer the one that it was fitted to.
    """
    how = generate_options_of(run)
    run.check_inputs({"positives": Path(how.positives)}, partly=True)
    return how, *sequences_of_run(how)


def feedback_run(
    source: Run,
    analyzer: Run,
    run: Run,
    options: FeedbackOptions,
    *,
    target: str | None = None,
    progress: Callable[[State], None] | None = None,
    say: Told = lambda _: None,
) -> dict[str, Any]:
    """A generator that is turned towards what an analyzer scores high; resumes.

    Before every epoch sequences are made, and those above the threshold take the place of the
    oldest ones that the critic is shown. ``RUN`` is then a generator's run like its source, and its
    ``metrics.json`` says of both how much scores above, and how near it is to the training set.

    Raises
    ------
    InputError
        When a run is not what it should be.
    """
    how, train, held = _trained_on(source)
    start = load_generator(source.path / HOME)
    judge = analyzer_of(analyzer, start[0].card.length, target=target)
    card = read_card(analyzer.member(0))
    if card.task != "classification":  # of others the sigmoid is no probability
        msg = (
            f"{analyzer.path} was trained for {card.task}, and feedback takes probabilities of "
            "labels 0 and 1. Give another --analyzer, or climb this one with 'cisgram generate "
            "maximize'."
        )
        raise InputError(msg)
    settings = {
        "generate": how.model_dump(mode="json"),
        "feedback": options.model_dump(mode="json") | {"target": card.outputs[judge.target]},
    }
    inputs = {
        "positives": Path(how.positives),
        "generator": source.path / HOME / "weights.safetensors",
    } | {f"analyzer/{m.name}": m / "weights.safetensors" for m in analyzer.members()}
    run.begin(settings, inputs=inputs)
    with only_one(run.path):
        found = run.finished("samples.fa")
        if found is not None:
            return found
        home = run.path / HOME
        if not (home / "generator.toml").is_file():
            rule = Feedback(
                judge.probabilities, options.threshold, options.samples, seed=options.seed
            )
            fitted = AdversarialOptions(
                epochs=options.epochs, steps=options.steps, learning_rate=options.learning_rate,
                batch_size=how.batch_size, critic_steps=how.critic_steps, penalty=how.penalty,
            )  # fmt: skip
            checkpoint = home / "checkpoint.safetensors"
            pair, state = fit_adversarial(
                train, start[0].card, fitted, seed=options.seed, start=start, refresh=rule,
                checkpoint=checkpoint, progress=progress,
            )  # fmt: skip
            write_history(run, history_name(0), state)
            save_generator(home, pair.generator, pair.critic, start[0].card)
            checkpoint.unlink(missing_ok=True)
        say("comparing what is made before and after")
        before, after = (sample_run(r, COMPARED * 3, seed=options.seed) for r in (source, run))
        metrics = {
            "threshold": options.threshold,
            "above": {
                name: float((judge.probabilities(codes) > options.threshold).mean())
                for name, codes in (
                    ("before", before), ("after", after), ("training", train), ("held_out", held)
                )
            },
            "before": judged(before, train, held, seed=options.seed),
            "after": judged(after, train, held, seed=options.seed),
        }  # fmt: skip
        write_samples(run.path / "samples.fa", after[:COMPARED])
        files.write_json(run.path / "metrics.json", metrics)
    return metrics


def maximize_run(
    run: Run,
    analyzers: Sequence[Run],
    n: int,
    *,
    target: str | None = None,
    steps: int = 200,
    prior: float = 0.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Sequences of a generator that trained runs score high: name, sequence, scores, start.

    Of several runs the mean of their logits is climbed; each has a column ``score_RUN`` (a
    second run of that folder name: ``score_RUN#2``).
    ``nearest`` counts the letters to the nearest training sequence of the generator.

    Raises
    ------
    InputError
        When a run is not what it should be.
    """
    import pandas as pd

    _, train, _ = _trained_on(run)
    model = load_generator(run.path / HOME)[0]
    judges = [analyzer_of(a, model.card.length, target=target) for a in analyzers]
    for judge in judges:
        judge.requires_grad_(False)

    def score(x: Tensor) -> Tensor:
        return torch.stack([judge(x) for judge in judges]).mean(0)

    found: Maximized = maximize(model, score, n, steps=steps, prior=prior, seed=seed)
    best = np.argsort(-found.scores, kind="stable")
    columns: dict[str, Any] = {
        "name": [f"designed_{i + 1}" for i in range(n)],
        "sequence": from_codes(found.codes[best]),
        "score": found.scores[best],
        "start_score": found.start_scores[best],
        "step": found.step[best],
        "nearest": nearest_distance(found.codes[best], train),
    }
    if len(judges) > 1:
        names = unique_names([a.path.name for a in analyzers], Counter())
        for name, judge in zip(names, judges, strict=True):
            columns[f"score_{name}"] = predict(judge, found.codes[best]).numpy()
    return pd.DataFrame(columns)
