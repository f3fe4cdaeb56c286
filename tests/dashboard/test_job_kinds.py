"""Jobs as commands, and the sections of the page that ask for them."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from cisgram.dashboard.job_kinds import KINDS, plan
from cisgram.report import SECTIONS


@pytest.mark.parametrize("kind", ["grammar", "trust"])
def test_a_step_without_choices_is_its_command(run, tmp_path, kind):
    planned = plan(run, {"kind": kind}, tmp_path)
    assert planned.arguments == (kind, str(run.path.resolve()))
    assert planned.result == f"#{kind}"


def test_every_section_asks_for_the_job_that_is_its_step():
    jobs = {n: e.facts["job"] for n, e in SECTIONS.items() if "job" in e.facts}
    assert set(jobs) == {"grammar", "motifs", "neurons", "sequences", "trust"}
    for name, job in jobs.items():
        asked = {k: v[0] for k, v in parse_qs(job, strict_parsing=True).items()}
        kind = asked.pop("kind")
        assert kind in KINDS
        assert SECTIONS[name].facts["step"].split()[1] == kind
        assert set(asked) <= set(KINDS[kind].takes)
