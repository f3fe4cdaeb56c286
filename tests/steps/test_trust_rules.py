"""Rules asked of each member alone: two networks that join two words, and others that add them."""

import numpy as np
import pytest
import torch

from cisgram.core.run import Run
from cisgram.models import create, read_card, save
from cisgram.motifs import Motif, MotifSet, write_meme
from cisgram.report.sections.trust import trust as section
from cisgram.seq import encode
from cisgram.seq.alphabet import from_codes
from cisgram.steps import GrammarOptions, grammar_run, resolve, train_run, trust_run
from cisgram.steps.trust_rules import NAME, TABLE

WORDS = {"first": "CACGTTCA", "second": "GATAAGGC"}
LENGTH, N = 60, 160
OPTIONS = {"detectors": 2, "width": 8, "hidden": 1}


def joined(threshold):
    """4 ReLU(a + b - threshold), where a and b are 1 where there is a word, and else 0."""
    model = create("deepbind", **OPTIONS)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        for k, word in enumerate(WORDS.values()):
            model.detect[0].weight[k] = encode([word])[0]
        model.detect[0].bias.fill_(-len(word) + 1)
        model.head[0].weight.fill_(1.0)
        model.head[0].bias.fill_(-threshold)
        model.head[2].weight.fill_(4.0)
    return model


def run_of(folder, thresholds):
    """A run whose members are these networks; positives hold both words, negatives one."""
    random = np.random.default_rng(0)
    rows = ["name\tsequence\tbound"]
    for i, letters in enumerate(from_codes(random.integers(0, 4, (N, LENGTH)).astype(np.uint8))):
        first, second = WORDS.values() if i % 2 else (list(WORDS.values())[i // 2 % 2], "")
        at = int(random.integers(0, 20))
        rows.append(
            f"s{i}\t{(letters[:at] + first + letters[:9] + second + letters)[:LENGTH]}\t{i % 2}"
        )
    (folder / "a.tsv").write_text("\n".join(rows) + "\n")
    words = [Motif.from_counts(100 * encode([w])[0].numpy(), name=n) for n, w in WORDS.items()]
    write_meme(folder / "words.meme", MotifSet(words))
    settings = resolve(
        {
            "data": {"positives": str(folder / "a.tsv"), "reverse_complement": False,
                     "label_columns": ["bound"], "test_fraction": 0.3},
            "model": {"name": "deepbind", "options": OPTIONS},
            "train": {"epochs": 1, "min_rows": 1, "seeds": len(thresholds)},
            "explain": {"methods": ["gradient_x_input"]},
            "motifs": {"database": str(folder / "words.meme")},
        }
    )  # fmt: skip
    run = Run(folder / "RUN")
    train_run(run, settings, device="cpu")
    for number, threshold in enumerate(thresholds):
        save(run.member(number), joined(threshold), read_card(run.member(number)))
    return run


def judged(run):
    summary = trust_run(run, sequences=4, device="cpu")
    (flag,) = [f for f in summary["flags"] if f["name"] == NAME]
    return flag, run.read_table(f"trust/{TABLE}.tsv")


def asked(run):
    options = GrammarOptions(source=str(run.path.parent / "words.meme"), backgrounds=20, p=1e-3)
    return grammar_run(run, options, device="cpu")


@pytest.fixture(scope="module")
def most(tmp_path_factory):
    """Two members of three join the words."""
    run = run_of(tmp_path_factory.mktemp("most"), (1.0, 1.0, 0.0))
    return run, asked(run), *judged(run)


def test_each_rule_says_which_members_hold_it(most):
    _, found, flag, table = most
    assert len(table) == len(found.known) > 0
    (synergy,) = table[table["kind"] == "synergy"].to_dict("records")
    assert (synergy["members"], synergy["of"], synergy["in"]) == (2, 3, "1, 2")
    assert synergy["share"] == pytest.approx(2 / 3)
    assert synergy["low"] < synergy["share"] < synergy["high"]
    assert synergy["smallest"] == pytest.approx(0, abs=1e-3)
    assert synergy["smallest"] < synergy["effect"] < synergy["largest"]
    assert flag["raised"] is False


def test_a_rule_of_a_minority_is_named(tmp_path):
    run = run_of(tmp_path, (1.0, 0.0, 0.0))
    found = asked(run)
    flag, table = judged(run)
    assert flag["raised"] is True
    assert table.loc[table["kind"] == "synergy", "members"].tolist() == [1]
    named = [r for r in found.known if r.kind == "synergy"]
    assert len(named) == 1
    assert all(m in flag["said"] for m in named[0].motifs)


def test_the_section_shows_the_table(most):
    run = most[0]
    assert f"trust/{TABLE}.tsv" in str(section(run).html)


def test_rules_that_were_looked_for_again_are_asked_again(most, tmp_path):
    run = run_of(tmp_path, (1.0, 1.0))
    flag, table = judged(run)
    assert flag["raised"] is None
    assert table.empty
    assert "cisgram grammar" in flag["said"]
    asked(run)
    flag, table = judged(run)
    assert flag["raised"] is False
    assert not table.empty


def test_a_run_of_one_network_is_not_judged(tmp_path):
    run = run_of(tmp_path, (1.0,))
    asked(run)
    flag, _ = judged(run)
    assert flag["raised"] is None
    assert "--seeds" in flag["said"]
