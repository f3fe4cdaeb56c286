"""The section Grammar: sentences, trees and effects; left out without files; names stay text."""

import pytest

from cisgram import report
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.grammar import Evidence, Rule, Rules
from cisgram.grammar.found import Distances

EVIL = "</script><img src=x onerror=alert(1)>"


def output(effect, *, holds=True):
    return Evidence(effect, effect - 0.2, effect + 0.2, 1e-9, 1e-8, 100, "output", 0.0, holds)


def share(seen, expected):
    return Evidence(seen, seen - 0.05, seen + 0.05, 1e-9, 1e-8, 310, "share", expected, True)


@pytest.fixture
def ruled(new_run):
    """A made-up run with the files of the grammar step."""

    def made(**options):
        run = new_run(**options)
        bad = EVIL if options.get("evil") else ""
        a, b = f"SIX5{bad}", f"ELF1{bad}"
        rules = (
            Rule("spacing", (a, b), "+-", 12, 20, data=share(0.62, 0.2), model=output(3.2)),
            Rule("order", (a, b), "+-", 12, 20, model=output(2.1)),
            Rule("negation", (b,), model=output(-1.4)),
            Rule("copies", (a,), copies=2, data=share(0.3, 0.1)),
        )
        facts = {"motifs": {a: 8, b: 9}, "sequences": 1500, "fdr": 0.05}
        facts |= {"same_sites": {"GABPA": "ELF1"}, "absent": [f"TAL1{bad}"]}
        apart = Distances(a, b, (0, 3, 40, 2), (9.0, 12.0, 12.0, 12.0))
        found = Rules(rules, facts, (apart,))
        files.write_json(run.path / "grammar" / "rules.json", found.to_json())
        return run

    return made


def test_rules_are_sentences_in_groups_with_their_drawings(ruled, opened):
    path = report.write(ruled())
    page = opened(path)
    both, alone = page.said.index("there in the sequences"), page.said.index("do not show it")
    data = page.said.index("the model does not hold it")
    assert "2 motifs in 1,500 sequences of interest: 3 rules that the model holds" in page.said
    left = "GABPA (has the sites of ELF1), TAL1 (no more sites than chance gives)."
    assert f"Given as well, and not asked: {left}" in page.said
    assert both < page.said.index("Spacing. SIX5, then ELF1, 12 to 20 bp apart, facing") < alone
    assert alone < page.said.index("Order. SIX5, then ELF1") < data
    assert "it lowers the output of sequences that the model scores high by 1.4" in page.said
    assert data < page.said.index("Copies. 2 copies of SIX5")
    assert "(SIX5. [12~20] ELF1.)" in page.said
    assert "most pairs, 40, lie 2 bp apart, where 12 are expected" in page.said
    html = path.read_text()
    assert 'class="syntax"' in html
    assert 'id="grammar-effects-t"' in html


def test_a_model_that_was_not_asked_and_rules_that_were_checked_are_said(ruled, opened):
    run = ruled()
    value = files.read_json(run.path / "grammar" / "rules.json")
    found = Rules.from_json(value)
    blind = Rules(found.rules[3:], {**found.facts, "not_asked": "The model is blind."})
    files.write_json(run.path / "grammar" / "rules.json", blind.to_json())
    failed = Rule("order", ("A", "B"), "++", model=output(0.1, holds=False))
    checked = Rules((found.rules[0], failed))
    files.write_json(run.path / "grammar" / "check.json", checked.to_json())
    said = opened(report.write(run)).said
    assert "The model was not asked. The model is blind." in said
    assert "Holds in both. SIX5, then ELF1" in said
    assert "Does not hold. A, then B" in said


def test_without_its_files_the_section_says_how_to_get_them(new_run, opened):
    said = opened(report.write(new_run())).said
    assert "cisgram grammar RUN" in said


def test_names_stay_text(ruled, opened):
    page = opened(report.write(ruled(evil=True)))
    assert "img" not in page.tags
    assert EVIL in page.text


def test_a_file_of_another_kind_is_refused_by_name(ruled):
    run = ruled()
    files.write_json(run.path / "grammar" / "rules.json", {"format": "other"})
    with pytest.raises(InputError, match="no rules of cisgram"):
        report.write(run)
