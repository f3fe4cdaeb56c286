"""Messages between the server and its model process: a length of 4 bytes, then JSON."""

from __future__ import annotations

import json
import struct
from asyncio import StreamReader
from typing import Any, BinaryIO

HEAD = struct.Struct(">I")
MOST = 64 * 2**20
"""Bytes of the longest message; a longer one is a broken stream."""


def pack(message: dict[str, Any]) -> bytes:
    r"""The bytes of a message.

    Examples
    --------
    >>> pack({"a": 1})
    b'\x00\x00\x00\x07{"a":1}'
    """
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    return HEAD.pack(len(body)) + body


async def receive(stream: StreamReader) -> dict[str, Any]:
    """The next message of a process.

    Raises
    ------
    IncompleteReadError
        When the process ended.
    ValueError
        When what comes is no message.
    """
    (size,) = HEAD.unpack(await stream.readexactly(HEAD.size))
    if size > MOST:
        msg = f"a message of {size} bytes"
        raise ValueError(msg)
    return _message(await stream.readexactly(size))


def read(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message of the server; ``None`` when it is gone."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (size,) = HEAD.unpack(head)
    body = stream.read(size)
    return _message(body) if len(body) == size else None


def _message(body: bytes) -> dict[str, Any]:
    message = json.loads(body)
    if not isinstance(message, dict):
        msg = "a message that is no object"
        raise ValueError(msg)  # noqa: TRY004 (a broken stream, whatever it holds)
    return message
