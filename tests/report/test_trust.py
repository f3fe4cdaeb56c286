"""The section Trust: drawn from its files, left out without them, every sentence with its file."""

from dataclasses import replace

import pandas as pd
import pytest

from cisgram import report
from cisgram.core.errors import InputError
from cisgram.report.sections.trust import TABLES
from cisgram.trust import Flag, flag_table

EVIL = "</script><img src=x onerror=alert(1)>"
FLAGS = [
    ("shortcuts", Flag("GC shortcut", True, "GC alone reaches AUROC 0.912 (0.9 to 0.92).",
                       "raised when GC reaches 80 %", "baselines", 0.912, 0.9, 0.92)),
    ("shortcuts", Flag("leak", False, "0 of 60 test sequences have a copy.", "raised from 1 % on",
                       "leaks", 0.0)),
    ("stability", Flag("unstable over seeds", None, "The run holds one network.", "needs two",
                       "stability")),
]  # fmt: skip


@pytest.fixture
def judged(new_run):
    """A made-up run with the files of the trust step."""

    def made(**options):
        run = new_run(**options)
        bad = EVIL if options.get("evil") else ""
        flags = [(part, replace(f, said=f.said + bad)) for part, f in FLAGS]
        run.write_table("trust/flags.tsv", flag_table(flags))
        rows = {
            "predictor": ["network", f"GC content{bad}"], "auroc": [0.931, 0.912],
            "auroc_low": [0.92, 0.9], "auroc_high": [0.94, 0.92],
            "about": ["the run's model", "a quadratic"],
        }  # fmt: skip
        run.write_table("trust/baselines.tsv", pd.DataFrame(rows))
        matched = {"predictor": ["network"], "score": [0.512], "low": [0.47], "high": [0.553],
                   "pairs": [1234]}  # fmt: skip
        run.write_table("trust/gc-matched.tsv", pd.DataFrame(matched))
        curves = {"share": [0.0, 0.5, 1.0], "random_deletion": [3.0, 1.5, 0.0],
                  "random_insertion": [0.0, 1.5, 3.0], "deep_lift_deletion": [3.0, 0.2, 0.0],
                  "deep_lift_insertion": [0.0, 2.9, 3.0]}  # fmt: skip
        run.write_table("trust/curves.tsv", pd.DataFrame(curves))
        return run

    return made


def test_dangers_are_called_by_name_with_number_and_file(judged, opened):
    said = opened(report.write(judged())).said
    doubt, believe = said.index("What not to believe"), said.index("What to believe")
    unknown = said.index("What this run cannot say")
    assert doubt < said.index("GC shortcut. GC alone reaches AUROC 0.912", doubt) < believe
    assert believe < said.index("Not found: “leak”. 0 of 60 test sequences", believe) < unknown
    assert unknown < said.index("Unstable over seeds. The run holds one network.", unknown)
    for name in ("baselines", "leaks", "stability"):
        assert f"Numbers: trust/{name}.tsv" in said
    assert "raised when GC reaches 80 %" in said


def test_the_summary_warns_of_a_danger_before_anything_else_is_read(judged, opened):
    said = opened(report.write(judged())).said
    assert "Caution. GC shortcut: GC alone reaches AUROC 0.912" in said[: said.index("What not to")]


def test_tables_show_numbers_with_their_intervals(judged, opened):
    said = opened(report.write(judged())).said
    for text in ("0.9310.920 to 0.940", "0.9120.900 to 0.920", "0.5120.470 to 0.553", "1,234"):
        assert text in said
    assert "trust/gc-matched.tsv" in said
    assert "trust/curves.tsv" in said
    assert "auroc_low" not in said
    assert "Auroc low" not in said


def test_without_its_files_the_section_names_the_command(new_run, opened):
    said = opened(report.write(new_run())).said
    assert "What not to believe" not in said
    assert "To add it: cisgram trust RUN" in said


def test_without_any_danger_the_page_says_so(judged, opened):
    run = judged()
    run.write_table("trust/flags.tsv", flag_table(FLAGS[1:]))
    said = opened(report.write(run)).said
    assert "None of the dangers that were looked for was found." in said


def test_names_from_the_tables_stay_text(judged, opened):
    page = opened(report.write(judged(evil=True)))
    assert "img" not in page.tags
    assert page.tags.count("script") == 2
    assert "<img src=x onerror=alert(1)>" in page.said


def test_a_damaged_table_is_refused_with_its_name(judged):
    run = judged()
    (run.path / "trust" / "flags.tsv").write_text("name\tsaid\nx\ty\n")
    with pytest.raises(InputError, match=r"flags.tsv must have the columns .*raised"):
        report.write(run)


def test_every_table_of_the_step_has_a_place_on_the_page():
    assert {"baselines", "gc-matched", "conformal", "stability", "motif-stability"} <= set(TABLES)


def test_the_notes_cite_the_papers_of_what_was_judged(judged, opened):
    said = opened(report.write(judged())).said
    assert "Enhanced regulatory sequence prediction using gapped k-mer features" in said
    assert "Adjusting for covariates in studies" in said
    assert "Sanity checks for saliency maps" not in said  # no table of random weights


def test_the_notes_of_a_run_that_was_not_judged_cite_none_of_them(new_run, opened):
    assert "gapped k-mer features" not in opened(report.write(new_run())).said


def test_a_danger_leads_to_its_table_where_the_page_draws_it(judged, opened):
    page = opened(report.write(judged()))
    hrefs = [v for k, v in page.attributes if k == "href" and v.startswith("#trust-")]
    ids = [v for k, v in page.attributes if k == "id"]
    assert hrefs == ["#trust-baselines"], "leaks and stability have no table here"
    assert "trust-baselines" in ids
