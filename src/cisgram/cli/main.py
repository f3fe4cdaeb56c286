"""The executable ``cisgram``: its commands, and what becomes of errors.

Exit status: 0 done, 2 wrong use or bad input, 4 out of disk or memory, 5 refused as unsafe,
130 interrupted and resumable.
"""

from __future__ import annotations

import sys

import click

import cisgram
from cisgram.cli import memory, supervised
from cisgram.cli.commands import (
    distill,
    explain,
    export,
    generate,
    grammar,
    interact,
    judge,
    listing,
    matrix,
    motif_tools,
    neurons,
    pretrain,
    run,
    serve,
    train,
    tune,
)
from cisgram.core.errors import CisgramError
from cisgram.core.files import is_full


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(cisgram.__version__, prog_name="cisgram")
def cli() -> None:
    """Train networks on regulatory DNA, explain them, and read the grammar that they learned.

    Begin with 'cisgram demo', or with 'cisgram run --positives peaks.fa -o RUN' on your own file.
    """


for _command in (
    run.demo,
    run.run,
    train.train,
    train.evaluate,
    train.predict,
    tune.tune,
    pretrain.pretrain,
    pretrain.embed,
    distill.distill,
    explain.explain,
    neurons.demix,
    judge.trust,
    explain.motifs,
    interact.interact,
    grammar.grammar,
    explain.report,
    serve.serve,
    matrix.impute,
    generate.generate,
    export.export,
    motif_tools.tomtom,
    motif_tools.scan,
    listing.list_,
    run.benchmark,
):
    cli.add_command(_command)


def main() -> None:
    """Run a command; a user's mistake ends in one paragraph and an exit status, no traceback."""
    memory.keep_large_blocks()
    supervised.watch()
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        _stop("Interrupted. What was written is whole; the same command goes on from there.", 130)
    except KeyboardInterrupt:
        _stop("Interrupted. What was written is whole; the same command goes on from there.", 130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except CisgramError as error:
        _stop(f"Error: {error}", error.exit_status)
    except MemoryError:
        _stop("Error: the memory is full. Give fewer sequences, or a smaller batch size.", 4)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if is_full(error):
            _stop("Error: no room left on the disk. What was written before is whole.", 4)
        if error.filename is None:  # no path of the user's: a bug of ours
            raise
        reason = error.strerror or type(error).__name__
        _stop(f"Error: Cannot use {error.filename}: {reason}. Give another path.", 2)


def _stop(message: str, status: int) -> None:
    click.echo(message, err=True)
    sys.exit(status)
