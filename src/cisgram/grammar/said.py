"""A rule as a sentence that can be read aloud."""

from __future__ import annotations

from dataclasses import replace

from cisgram.grammar.rule import Evidence, Rule

WAYS = {
    "++": "both forward",
    "--": "both reversed",
    "+-": "facing each other",
    "-+": "back to back",
}


def said(rule: Rule) -> str:
    """What a rule says, how much that is in the model, and what the sequences say.

    Examples
    --------
    >>> seen = Evidence(0.62, 0.56, 0.67, 1e-30, 1e-28, 310, "share", 0.2, True)
    >>> asked = Evidence(3.2, 3.0, 3.4, 1e-17, 1e-16, 100, "output", 0.0, True)
    >>> rule = Rule("spacing", ("SIX5", "ELF1"), "+-", 12, 20, data=seen, model=asked)
    >>> for sentence in said(rule).split(". "):
    ...     print(sentence)
    SIX5, then ELF1, 12 to 20 bp apart, facing each other: at these distances they raise the output
    more than at others, by 3.2 (95 % 3 to 3.4, q = 1e-16, 100 sequences)
    Of 310 pairs of sites, 62 % (56 to 67) are so, where 20 % are expected (q = 1e-28).
    """
    words = place(rule)
    if rule.model is None:
        words += ": the model was not asked."
    else:
        found = _lowered(rule.model) if rule.kind == "negation" else rule.model
        more = f"{_more(rule)} {_effect(found)}"
        is_opposed = rule.kind != "negation" and rule.model.effect < 0
        against = ", where it is the other way round" if is_opposed else ""
        words += f": {more}." if rule.model.holds else f": not held by the model{against} ({more})."
    return words if rule.data is None else f"{words} {_in_data(rule, rule.data)}"


def place(rule: Rule) -> str:
    """Motifs, distances and strands in words.

    Examples
    --------
    >>> place(Rule("order", ("A", "B"), "..", 3, 3)), place(Rule("copies", ("A",), copies=3))
    ('A, then B, 3 bp apart', '3 copies of A')
    """
    if rule.kind == "negation":
        return rule.motifs[0]
    if rule.kind == "copies":
        near = "" if rule.low is None else f", {rule.low} bp apart"
        return f"{rule.copies} copies of {rule.motifs[0]}{near}"
    words = [", then ".join(rule.motifs)]
    if rule.low is not None:
        span = f"{rule.low}" if rule.low == rule.high else f"{rule.low} to {rule.high}"
        words.append(f"{span} bp apart")
    if rule.strands in WAYS:
        words.append(WAYS[rule.strands])
    return ", ".join(words)


def _more(rule: Rule) -> str:
    """What the model does where the rule is kept."""
    if rule.kind == "negation":
        return "it lowers the output of sequences that the model scores high by"
    if rule.kind == "copies":
        return "together they raise the output beyond the sum of each by"
    if rule.kind == "orientation":
        other = rule.motifs[1 if rule.turned is None else rule.turned]
        return f"like this they raise the output more than with {other} turned round, by"
    return {
        "synergy": "together they raise the output beyond the sum of each by",
        "spacing": "at these distances they raise the output more than at others, by",
        "order": "in this order they raise the output more than in the other, by",
    }[rule.kind]


def _effect(found: Evidence) -> str:
    low, high = (f"{v:.3g}" for v in sorted((found.low, found.high)))
    return f"{found.effect:.3g} (95 % {low} to {high}, {_q(found)}, {found.n} sequences)"


def _q(found: Evidence) -> str:
    return f"q = {found.q:.1g}" if found.q > 0 else "q < 1e-300"


def _lowered(found: Evidence) -> Evidence:
    return replace(found, effect=-found.effect, low=-found.high, high=-found.low)


def _in_data(rule: Rule, found: Evidence) -> str:
    q = _q(found)
    if found.unit == "odds ratio":
        ends = f"95 % {found.low:.2g} to {found.high:.2g}"
        if rule.kind == "negation":
            what = f"the odds of {rule.motifs[0]} are {found.effect:.2g} times those in the others"
        else:
            what = f"the odds of one with the other are {found.effect:.2g} times those without it"
        return f"In {found.n} sequences {what}, at equal GC ({ends}, {q})."
    of = "sequences with it" if rule.kind == "copies" else "pairs of sites"
    low, high = (f"{100 * v:.0f}" for v in (found.low, found.high))
    return (
        f"Of {found.n} {of}, {100 * found.effect:.0f} % ({low} to {high}) are so, where "
        f"{100 * found.expected:.0f} % are expected ({q})."
    )
