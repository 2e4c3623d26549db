"""What is done to the bytes of a body: flipped, cut, doubled, spliced with another, inserted into, and the like."""

import random
from collections.abc import Callable

# What means something to JSON, to UTF-8, to lines or to those who store text.
TOKENS = rb'{ } [ ] " \ , : null true 1e999 NaN -0 \u0000 \ud83d \ude00 \u0022 "id":"same", "id":null,'.split()
TOKENS += [b"\0", b"\xff", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xef\xbb\xbf", b"\n", b"\r\n", b"\r"]
TOKENS += [b"9" * 40, "\u00e4".encode(), "\U0001f9ea".encode(), b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b" "]
LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789-_. /"
MOST_CUT = 200

Mutation = Callable[[bytearray, random.Random, bytes], bytearray]


def flip(body: bytearray, dice: random.Random, other: bytes) -> bytearray:
    """Flip a few bits."""
    for _ in range(dice.choice((1, 1, 1, 2, 8))):
        body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
    return body


def letters(body: bytearray, dice: random.Random, other: bytes) -> bytearray:
    """Put letters in place of letters: what comes of it is mostly still JSON."""
    for _ in range(dice.choice((1, 1, 3))):
        place = dice.randrange(len(body))
        if body[place] in LETTERS:
            body[place] = dice.choice(LETTERS)
    return body


def cut(body: bytearray, dice: random.Random, other: bytes) -> bytearray:
    """Cut off the end, or the beginning."""
    place = dice.randrange(len(body))
    return body[:place] if dice.random() < 0.8 else body[place:]


def remove(body: bytearray, dice: random.Random, other: bytes) -> bytearray:
    """Take something out of the middle."""
    place = dice.randrange(len(body))
    del body[place : place + dice.randint(1, MOST_CUT if dice.random() < 0.3 else 3)]
    return body


def double(body: bytearray, dice: random.Random, other: bytes) -> bytearray:
    """Have a part twice, or all of it."""
    if dice.random() < 0.3:
        return body + body
    start = dice.randrange(len(body))
    end = start + dice.randint(1, MOST_CUT)
    return body[:end] + body[start:]


def splice(body: bytearray, dice: random.Random, other: bytes) -> bytearray:
    """Go over into another body."""
    return body[: dice.randrange(len(body))] + other[dice.randrange(len(other) or 1) :]


def insert(body: bytearray, dice: random.Random, other: bytes) -> bytearray:
    """Put something in between."""
    place = dice.randrange(len(body))
    body[place:place] = dice.choice(TOKENS) if dice.random() < 0.8 else dice.randbytes(dice.randint(1, 8))
    return body


def overwrite(body: bytearray, dice: random.Random, other: bytes) -> bytearray:
    """Put something in place of as many bytes."""
    place, token = dice.randrange(len(body)), dice.choice(TOKENS)
    body[place : place + len(token)] = token
    return body


def swap(body: bytearray, dice: random.Random, other: bytes) -> bytearray:
    """Let two parts of it change places."""
    first, second, third = sorted(dice.randrange(len(body) + 1) for _ in range(3))
    return body[:first] + body[second:third] + body[first:second] + body[third:]


HARD: tuple[Mutation, ...] = (flip, cut, remove, double, splice, insert, overwrite, swap)
# After most of the hard ones nothing can be read any more: as many times letters, which leave something to be stored.
MUTATIONS = HARD + (letters,) * len(HARD)


def mutate(body: bytes, dice: random.Random, other: bytes) -> bytes:
    """Return the body after one mutation, sometimes after several; `other` is what is spliced in."""
    found = bytearray(body)
    for _ in range(dice.choice((1, 1, 1, 1, 2, 4))):
        if found:
            found = dice.choice(MUTATIONS)(found, dice, other)
    return bytes(found)
