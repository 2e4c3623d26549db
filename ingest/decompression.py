"""Bodies that come compressed: read as a stream, so that a few bytes which stand for gigabytes cost no memory."""

import zlib
from collections.abc import Callable
from typing import Protocol

import zstandard

from ingest.wire import BadBody

PIECE = 64 * 1024
# This decompressor has no limit of its own: a piece of this size stands for 8 MiB at the most.
ZSTD_PIECE = 256
# What zstd may ask for to look back into. Its own command line uses no more unless told to.
MOST_WINDOW = 8 * 1024 * 1024


class Source(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes: ...


Read = Callable[[Source, int], bytes]


def plain(source: Source, limit: int) -> bytes:
    """Return what the source holds, and never more than `limit` bytes of it."""
    return source.read(limit)


def gunzip(source: Source, limit: int) -> bytes:
    """Decompress gzip, of one member or several, and stop after `limit` bytes. Raises BadBody."""
    out = bytearray()
    decompressor = zlib.decompressobj(wbits=31)
    piece = source.read(PIECE)
    begun = False
    while piece and len(out) < limit:
        begun = True
        try:
            out += decompressor.decompress(piece, limit - len(out))
        except zlib.error as error:
            raise BadBody("not_gzip", "The body is not gzip: send what Content-Encoding says.") from error
        piece = decompressor.unconsumed_tail or decompressor.unused_data or source.read(PIECE)
        if decompressor.eof and piece:
            decompressor = zlib.decompressobj(wbits=31)
    if begun and not decompressor.eof and len(out) < limit:
        raise BadBody("cut_off", "The gzip body is cut off: send all of it.")
    return bytes(out)


def unzstd(source: Source, limit: int) -> bytes:
    """Decompress zstd, of one frame or several, and stop after `limit` bytes. Raises BadBody."""
    out = bytearray()
    maker = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
    decompressor = maker.decompressobj()
    piece = source.read(ZSTD_PIECE)
    begun = False
    while piece and len(out) < limit:
        begun = True
        try:
            out += decompressor.decompress(piece)
        except zstandard.ZstdError as error:
            raise BadBody("not_zstd", "The body is not zstd, or looks back over more than 8 MiB.") from error
        piece = decompressor.unused_data or source.read(ZSTD_PIECE)
        if decompressor.eof and piece:
            decompressor = maker.decompressobj()
    if begun and not decompressor.eof and len(out) < limit:
        raise BadBody("cut_off", "The zstd body is cut off: send all of it.")
    return bytes(out[:limit])


BY_ENCODING: dict[str, Read] = {"": plain, "identity": plain, "gzip": gunzip, "x-gzip": gunzip, "zstd": unzstd}
