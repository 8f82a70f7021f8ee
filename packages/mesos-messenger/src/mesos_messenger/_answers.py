"""The answers that libprocess gives, and their date, made at most once a second."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus

__all__ = ["Answers", "phrase"]


def phrase(status: int) -> bytes:
    """Return the reason phrase of a status."""
    try:
        return HTTPStatus(status).phrase.encode("ascii")
    except ValueError:
        return b""


class Answers:
    """Answers to messages, as bytes."""

    __slots__ = ("_accepted", "_date", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._date = ""
        self._accepted = b""

    def _refresh(self) -> None:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._date = formatdate(second, usegmt=True)
            self._accepted = (
                f"HTTP/1.1 202 Accepted\r\nDate: {self._date}\r\nContent-Length: 0\r\n\r\n"
            ).encode("ascii")

    def date(self) -> str:
        """Return the date in HTTP's form."""
        self._refresh()
        return self._date

    def accepted(self) -> bytes:
        """Return the answer to a message that has a recipient."""
        self._refresh()
        return self._accepted

    def error(self, status: int, text: str, *, close: bool = False) -> bytes:
        """Return an answer with a text."""
        body = text.encode("utf-8", "replace")
        head = (
            f"HTTP/1.1 {status} {phrase(status).decode()}\r\nDate: {self.date()}\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            f"{'Connection: close' + chr(13) + chr(10) if close else ''}\r\n"
        )
        return head.encode("ascii") + body
