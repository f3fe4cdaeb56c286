"""One trained run that the commands are tried on."""

import pytest

import planted
from cisgram.train import metrics
from cli.running import OPTIONS, cisgram


@pytest.fixture(scope="module", autouse=True)
def few_resamples():
    """The bootstrap takes most of a tiny run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "RESAMPLES", 20)
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Folder of a trained run; its table lies beside it, given by a relative path."""
    folder = tmp_path_factory.mktemp("trained")
    planted.write_tsv(folder / "a.tsv", 160)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(metrics, "RESAMPLES", 20)
        done = cisgram("train", "--positives", "a.tsv", "-o", "RUN", *OPTIONS)
    assert done.status == 0, done.err
    return folder / "RUN"
