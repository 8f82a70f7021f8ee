"""Coverage-guided fuzzing of the messenger's decoder.

    pip install atheris && python fuzz/fuzz_messenger_decoder.py -max_total_time=900 -max_len=4096

The first bytes of an input say where the rest is cut. The decoder must give messages, parts of requests
or a `ProtocolError`, never anything else; hold no more than its limits; and find the same messages in
the whole input as in its parts, and on the slow path as on the fast one.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import atheris

with atheris.instrument_imports(include=["mesos_messenger", "h11"]):
    from mesos_messenger import UPID, Decoder, Limits, ProtocolError
    from mesos_messenger._heads import HeadCache, MessageHead
    from mesos_messenger.codec import Event

LIMITS = Limits(head=512, body=1024)

SEEDS = (
    b"\x10\x40POST /master/a.B HTTP/1.1\r\nUser-Agent: libprocess/x@1.2.3.4:5\r\n"
    b"Libprocess-From: x@1.2.3.4:5\r\nConnection: Keep-Alive\r\nHost: \r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
    b"\x20\x30POST /m%61/a.B HTTP/1.1\r\nLibprocess-From: x@1.2.3.4:5\r\nContent-Length: 3\r\n\r\nabc",
    b"\x01\x02GET /state?x=y HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.0\r\n\r\n",
)


class NothingUsual(HeadCache):
    """Sends every request to the slow path."""

    def find(self, raw: bytes) -> MessageHead | None:
        return None


def run(
    parts: list[bytes], heads: HeadCache | None = None
) -> tuple[list[tuple[str, str, UPID, bytes]], bool, int]:
    """Decode; return the messages, whether it failed, and how many bytes are held."""
    decoder = Decoder(LIMITS, heads)
    events: list[Event] = []
    failed = False
    try:
        for part in parts:
            decoder.receive_into(part, events)
            while decoder.request is not None and decoder.request.ended:
                decoder.resume(events)
    except ProtocolError:
        failed = True
    longest = max(map(len, parts), default=0)
    if decoder.buffered > LIMITS.head + LIMITS.body + longest + 1024:
        raise AssertionError(f"{decoder.buffered} bytes are held")
    messages = []
    for event in events:
        if isinstance(event, tuple):
            head, bodies = event
            messages += [(head.to, head.name, head.sender, body) for body in bodies]
    return messages, failed, decoder.buffered


def check(data: bytes) -> None:
    """Try one input."""
    cuts, data = data[:2], data[2:]
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    parts = [data[start:end] for start, end in pairwise(edges)]
    whole, failed, held = run([data] if data else [])
    split, split_failed, split_held = run(parts)
    if whole != split and failed == split_failed:
        raise AssertionError(f"cutting makes a difference: {whole} or {split}")
    if failed != split_failed and not (failed and split_held):
        raise AssertionError("cutting makes a fault")
    slow, slow_failed, _ = run([data] if data else [], NothingUsual())
    if slow != whole:
        raise AssertionError(f"the paths differ: {whole} or {slow}")
    if slow_failed != failed and not (failed or held):
        raise AssertionError("only one path fails")
    UPID.parse(data.decode("latin-1"), resolve=False)


def main() -> None:
    """Fuzz, from the seeds on."""
    for seed in SEEDS:
        check(seed)
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
