"""The executable in this process: status, standard output, standard error."""

import contextlib
import io
import sys
from dataclasses import dataclass
from unittest import mock

from cisgram.cli import main

OPTIONS = ("--model", "deepbind", "--epochs", "2", "--set", "train.min_rows=1",
           "--set", "model.options.detectors=6", "--set", "model.options.width=10",
           "--device", "cpu")  # fmt: skip


@dataclass
class Done:
    status: int
    out: str
    err: str


def cisgram(*arguments: str) -> Done:
    """Run a command to its end."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with (
        mock.patch.object(sys, "argv", ["cisgram", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
    return Done(status, out.getvalue(), err.getvalue())
