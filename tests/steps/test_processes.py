import subprocess
import sys

import numpy as np
import pytest
import torch

from cisgram.core.run import Run
from cisgram.models import load
from steps.jobs import command, settings

pytestmark = pytest.mark.slow


def test_two_processes_train_the_model_that_one_trains(tmp_path):
    """Each takes half of every batch; the first alone writes. Sums differ in their last digits."""
    script = tmp_path / "train.py"
    script.write_text("from cisgram.cli import main\nmain()\n")
    # no dropout (each process draws its own), plain SGD, few steps: rounding cannot grow
    options = ("--set", "train.epochs=2", "--set", "train.min_rows=1", "--device", "cpu",
               "--set", "train.optimizer=sgd", "--set", "train.learning_rate=0.01",
               "--set", "model.options.dropout=0")  # fmt: skip
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]
    for n in ("1", "2"):
        arguments = command(tmp_path, f"run-{n}", *options)[3:]
        done = subprocess.run(
            [*launch, n, str(script), *arguments],
            cwd=tmp_path,
            env=settings(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("test ") == 1
    one, two = (load(tmp_path / f"run-{n}").state_dict() for n in (1, 2))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-3, atol=1e-5)
    tables = [Run(tmp_path / f"run-{n}").read_table("predictions.tsv") for n in (1, 2)]
    np.testing.assert_allclose(tables[0]["score"], tables[1]["score"], atol=1e-3)
