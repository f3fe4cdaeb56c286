"""The page says when a run follows somebody else's regime."""

from cisgram.core.run import Run
from cisgram.report.sections.done import done
from cisgram.steps import resolve


def test_a_run_that_was_trained_as_published_says_so(tmp_path):
    for as_published in (False, True):
        settings = resolve({"data": {"positives": "a.fa"}}, as_published=as_published)
        run = Run(tmp_path / str(as_published))
        run.begin(settings.model_dump(mode="json"), inputs={})
        assert ("Trained as published" in str(done(run).html)) == as_published
