"""Links that log one browser in, once, and the sessions that came of them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable

OPEN_LINKS = 16
"""Links that may wait to be used; a further one ends the oldest."""
SESSIONS = 64


class Logins:
    """Who may ask: whoever brings a session that a one-use token was exchanged for.

    Only digests are kept, and they are compared in constant time.

    Parameters
    ----------
    on_login
        Called after a token was used, for example to print a link for the next browser.
    """

    def __init__(self, *, on_login: Callable[[], None] | None = None) -> None:
        self.on_login = on_login
        self._tokens: list[bytes] = []
        self._sessions: list[bytes] = []

    def new_token(self) -> str:
        """A token that can be used once."""
        token = secrets.token_urlsafe(32)
        self._tokens = [*self._tokens, _digest(token)][-OPEN_LINKS:]
        return token

    def login(self, token: str) -> str | None:
        """The session that a token gives; ``None`` when it was used, or never was one."""
        found = _find(self._tokens, token)
        if found is None:
            return None
        self._tokens.remove(found)
        session = secrets.token_urlsafe(32)
        self._sessions = [*self._sessions, _digest(session)][-SESSIONS:]
        if self.on_login is not None:
            self.on_login()
        return session

    def knows(self, session: str) -> bool:
        """True for a session of ours."""
        return _find(self._sessions, session) is not None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _find(known: Iterable[bytes], text: str) -> bytes | None:
    """The digest among those known; all of them are compared, whichever it is."""
    digest, found = _digest(text), None
    for one in known:
        if hmac.compare_digest(one, digest):
            found = one
    return found
