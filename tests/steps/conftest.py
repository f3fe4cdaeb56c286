"""The bootstrap takes most of a tiny run: 20 resamples where the tests do not look at intervals."""

import pytest

from cisgram.train import metrics


@pytest.fixture(scope="module", autouse=True)
def few_resamples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "RESAMPLES", 20)
        yield
