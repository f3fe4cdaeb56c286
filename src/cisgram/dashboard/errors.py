"""What the server answers when it cannot do what was asked; ``status`` is that of HTTP."""

from __future__ import annotations

from cisgram.core.errors import CisgramError


class AnswerError(CisgramError):
    """Base class; the message is one paragraph for the reader of the page."""

    status = 400


class Refused(AnswerError):
    """The question was wrong; the message says what to do."""


class Missing(AnswerError):
    """Nothing of this name is there."""

    status = 404


class Conflict(AnswerError):
    """It cannot be done in the state that things are in."""

    status = 409


class Superseded(Conflict):
    """The same asker asked something newer before this was answered."""


class Unavailable(AnswerError):
    """No answer, through no fault of the question."""

    status = 503
