"""The command line: parse, call one library function, say where the result lies."""

from cisgram.cli.main import main

__all__ = ["main"]
