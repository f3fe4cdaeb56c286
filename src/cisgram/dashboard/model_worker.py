"""The one process that holds models: ``python -m cisgram.dashboard.model_worker``.

It reads questions from standard input and writes answers to standard output (`frames`); it ends
when standard input does, so that none outlives its server. Whatever a library prints goes to
standard error: a stray line between two answers would break the stream.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, BinaryIO

from cisgram.core.errors import CisgramError
from cisgram.dashboard import frames


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    serve(sys.stdin.buffer, answers)


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer questions in their order; each holds an ``id``, which its answer repeats."""
    from cisgram.dashboard.model_answers import Answers  # torch, here and nowhere in the server

    asked = Answers()
    while (message := frames.read(questions)) is not None:
        answers.write(frames.pack({"id": message["id"], **_outcome(asked, message)}))
        answers.flush()


def _outcome(asked: Any, message: dict[str, Any]) -> dict[str, Any]:
    """The answer, or what went wrong; nothing that a question does ends the process."""
    try:
        return {"answer": asked.answer(message)}
    except CisgramError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"failed": "The memory is full. Ask about a shorter sequence or with fewer methods."}
    except Exception as error:  # noqa: BLE001 (a bug of ours or of the model's: said, and logged)
        traceback.print_exc()
        name = type(error).__name__
        return {"failed": f"The model could not answer ({name}); the server's log has the details."}


if __name__ == "__main__":
    main()
