"""What is large or deep: at the limits, a little beyond, and bombs of some kilobytes that stand for many megabytes."""

import json
import random
from collections.abc import Callable
from dataclasses import replace

from chaos.fuzz import headers
from chaos.fuzz.headers import Keys
from chaos.fuzz.requests import Envelope, Request, sealed
from chaos.fuzz.writing import Writer
from chaos.parcels import EVENTS, GOOD, TRAFFIC

MOST_BYTES, MOST_ITEMS = 5 * 1024 * 1024, 10_000
BOMB = 40 * 1024 * 1024
LARGE, BAD = frozenset({413}), frozenset({400})


def batch(writer: Writer, count: int) -> bytes:
    """Return good events, each with an id of its own."""
    at = {"occurred_at": writer.now.isoformat()}
    return json.dumps(
        [GOOD | at | {"id": writer.fresh_id(), "workload": f"fuzz-{n % 9}"} for n in range(count)]
    ).encode()


def padded(writer: Writer, size: int) -> bytes:
    """Return one good event among so many bytes in all."""
    return batch(writer, 1).ljust(size)


def sized(writer: Writer) -> bytes:
    """Return an event whose texts are as long as they may be."""
    sample = dict.fromkeys(("input", "output", "primary_output"), "\u00e4" * 8_192)
    pairs = {f"{n:064}": "\U0001f9ea" * 256 for n in range(16)}
    texts = {"reason": "\U0001f9ea" * 500, "primary": "\u00e4" * 128, "request_id": "\0" * 128}
    return json.dumps(GOOD | texts | {"sample": sample, "attributes": pairs}, ensure_ascii=False).encode()


# Each with what it is sent as, and what the answer must be.
Large = tuple[Callable[[Writer], bytes], Envelope, frozenset[int]]
PLAIN = Envelope()
ZIPPED = replace(PLAIN, encoding=headers.GZIP)
STANDARD = replace(PLAIN, encoding=headers.ZSTD)
ALL: tuple[Large, ...] = (
    (lambda writer: batch(writer, 1_000), PLAIN, frozenset({202})),
    (lambda writer: batch(writer, 1_000), ZIPPED, frozenset({202})),
    (lambda writer: batch(writer, MOST_ITEMS), STANDARD, frozenset({202})),
    (lambda writer: batch(writer, MOST_ITEMS + 1), ZIPPED, LARGE),
    (lambda writer: padded(writer, MOST_BYTES), ZIPPED, frozenset({202})),
    (lambda writer: padded(writer, MOST_BYTES), PLAIN, frozenset({202})),
    (lambda writer: padded(writer, MOST_BYTES + 1), STANDARD, LARGE),
    (lambda writer: padded(writer, MOST_BYTES + 1), PLAIN, LARGE),
    (sized, PLAIN, frozenset({202})),
    (sized, ZIPPED, frozenset({202})),
    (lambda writer: b"[%s]" % b",".join([b"1"] * MOST_ITEMS), PLAIN, BAD),
    (lambda writer: b"[%s]" % b",".join([b"1"] * (MOST_ITEMS + 1)), PLAIN, LARGE),
    (lambda writer: b"[" * 100_000, PLAIN, BAD),
    (lambda writer: b'{"attributes":' * 100_000, ZIPPED, BAD),
    (lambda writer: b'[{"attributes":%s1%s}]' % (b"[" * 60_000, b"]" * 60_000), PLAIN, BAD),
    (lambda writer: b'{"status":' + b"9" * 1_000_000 + b"}", PLAIN, BAD),
    (lambda writer: b'{"cost_usd":1e-' + b"9" * 100_000 + b"}", PLAIN, BAD),
    (lambda writer: b"\\" * 3_000_000, PLAIN, BAD),
    (lambda writer: b'["' + b"\\ud83d" * 500_000 + b'"]', PLAIN, BAD),
)
# These are compressed already.
BOMBS = ((headers.zipped(b" " * BOMB), ZIPPED, LARGE), (headers.standard(bytes(BOMB)), STANDARD, LARGE))


def request(writer: Writer, keys: Keys, dice: random.Random) -> Request:
    """Return one of them."""
    if dice.random() < 0.2:
        packed, envelope, may = dice.choice(BOMBS)
    else:
        make, envelope, may = dice.choice(ALL)
        packed = envelope.encoding.compress(make(writer))
    envelope = replace(envelope, chunked=dice.random() < 0.3)
    path = TRAFFIC if may == BAD and dice.random() < 0.2 else EVENTS
    return replace(sealed("large or deep", envelope, path, packed, keys, dice), may=may)
