"""Where the server listens, and by which names a browser may ask for it."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import quote

from cisgram.core.errors import InputError

PORT = 8765
TRIED = 20
"""Ports that are tried, one after the other, where none was asked for."""
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Bound:
    """An address that the server listens at.

    Attributes
    ----------
    host
        Name or address that was asked for.
    port
        The port, 1 to 65535.
    """

    host: str = "127.0.0.1"
    port: int = PORT

    @property
    def is_remote(self) -> bool:
        """True where other machines may reach it."""
        return not is_loopback(self.host)

    @property
    def cookie(self) -> str:
        """Name of the session's cookie: browsers send cookies to every port of a machine."""
        return f"cisgram-{self.port}"

    def allows(self, host: str) -> bool:
        """True when a ``Host`` header names this server.

        A page elsewhere can let its own name point to this machine (DNS rebinding), and a browser
        then believes that the server is that page's. Such a request carries the foreign name, so
        only our own names are answered. An address of digits cannot be such a name; it is accepted
        where the server listens at all of them.

        Examples
        --------
        >>> bound = Bound("127.0.0.1", 8765)
        >>> bound.allows("localhost:8765"), bound.allows("localhost"), bound.allows("evil.org:8765")
        (True, False, False)
        """
        name, port = _split(host.lower())
        if port != self.port:
            return False
        names = {*LOOPBACK, _bracketed(self.host.lower())}
        if self.is_remote:
            names.add(socket.gethostname().lower())
        return name in names or (_is_wildcard(self.host) and _is_address(name))

    def link(self, token: str) -> str:
        """The address that logs one browser in, once."""
        host = socket.gethostname() if _is_wildcard(self.host) else self.host
        return f"http://{_bracketed(host)}:{self.port}/login?token={quote(token)}"


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches.

    Examples
    --------
    >>> [is_loopback(h) for h in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "node7")]
    [True, True, True, False, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: whatever it points to today, it may point elsewhere tomorrow
        return False


def listen(host: str, port: int | None, *, allow_remote: bool = False) -> socket.socket:
    """A socket that listens.

    Parameters
    ----------
    host
        Name or address.
    port
        0 for any free one; ``None`` for `PORT`, or the next free one.
    allow_remote
        Other machines may reach it.

    Raises
    ------
    InputError
        When others would reach it unasked, the address is none of this machine, or the port is
        taken.
    """
    if not (allow_remote or is_loopback(host)):
        msg = (
            f"Other machines could reach the dashboard at {host}. It listens at 127.0.0.1 unless "
            "--allow-remote is given, too; the way without it is a tunnel: "
            f"ssh -L {port or PORT}:127.0.0.1:{port or PORT} MACHINE."
        )
        raise InputError(msg)
    for tried in range(PORT, PORT + TRIED) if port is None else (port,):
        try:
            return _listening(host, tried)
        except PermissionError as error:
            msg = f"Port {tried} of {host} may not be used by you. Give another with --port."
            raise InputError(msg) from error
        except (OSError, UnicodeError) as error:
            if not isinstance(error, OSError) or not _is_taken(error):
                reason = getattr(error, "strerror", None) or str(error)
                msg = f"Cannot listen at {host}: {reason}. Give an address of this machine."
                raise InputError(msg) from error
    which = f"Port {port}" if port is not None else f"Every port from {PORT} to {PORT + TRIED - 1}"
    msg = f"{which} of {host} is taken by another program. Give another one, or --port 0 for any."
    raise InputError(msg)


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    found = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # after a restart
        found.bind(address)
        found.listen(1024)
    except BaseException:
        found.close()
        raise
    return found


def _is_taken(error: OSError) -> bool:
    import errno

    return error.errno == errno.EADDRINUSE


def _split(host: str) -> tuple[str, int | None]:
    """Name and port of a ``Host`` header; the port of one that names none is 80."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        return host, 80
    return name, int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_wildcard(host: str) -> bool:
    return host in ("0.0.0.0", "::", "")  # noqa: S104 (compared, not bound)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
