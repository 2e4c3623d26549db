"""What a request says of itself: keys, types, encodings and other headers in good and odd forms, with what may come."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import zstandard

# Whatever is done to a body, one of these is the answer.
LOOKED_AT = frozenset({202, 400, 413})
NO_KEY, NOT_ALLOWED, NOT_KNOWN, METHOD, THROTTLED = (frozenset({status}) for status in (401, 403, 415, 405, 429))


@dataclass(frozen=True, slots=True)
class Authorization:
    """A header with a key by its name, and the answers that it may lead to."""

    header: str | None
    may: frozenset[int] = NO_KEY


@dataclass(frozen=True, slots=True)
class ContentType:
    """`lines` where the body is one item a line."""

    header: str | None
    known: bool = True
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a body is compressed, and what is said of it, which need not be the same."""

    header: str | None
    compress: Callable[[bytes], bytes]
    known: bool = True


Keys = Mapping[str, str]
GOOD_KEY = Authorization("Bearer {full}", LOOKED_AT)
AUTHORIZATIONS = (
    *(GOOD_KEY, Authorization("bearer {full}", LOOKED_AT), Authorization("BEARER   {full} ", LOOKED_AT)),
    Authorization("Bearer {bound}", LOOKED_AT | NOT_ALLOWED),
    Authorization("Bearer {slow}", LOOKED_AT | THROTTLED),
    *(Authorization("Bearer {reader}", NOT_ALLOWED), Authorization(None), Authorization(""), Authorization("Bearer")),
    *(Authorization("Bearer {full}x"), Authorization("Bearer x{full}"), Authorization("Basic {full}")),
    *(Authorization("{full}"), Authorization("Bearer\t{full}"), Authorization("Bearer {full} {full}")),
    *(Authorization("Bearer \xff\xfe"), Authorization("Bearer " + "a" * 6000), Authorization("Bearer fo_'--_%00")),
)
JSON, LINES = ContentType("application/json"), ContentType("application/x-ndjson", lines=True)
JSON_TYPES = (
    *(JSON, JSON, ContentType(None), ContentType("APPLICATION/JSON"), ContentType("application/json; charset=utf-8")),
    *(ContentType("application/json;charset=rot13"), ContentType("application/json; charset=\xff;;q=1")),
    *(
        ContentType(f"application/json; charset={name}")
        for name in ("idna", "undefined", "hex", "punycode", "utf-7", "")
    ),
    *(ContentType("application/json; boundary=x; charset=utf-16"), ContentType("application/json;" + "a" * 3000)),
    ContentType(";;;"),
)
LINES_TYPES = (LINES, LINES, ContentType("Application/X-NDJSON; charset=latin-1", lines=True))
ODD_NAMES = ("text/plain", "application", "multipart/form-data; boundary=x", "text/json", "a" * 3000)
ODD_NAMES_MORE = ("application/x-www-form-urlencoded", "application/json,text/x", "application/jsonl")
# A header that is not ASCII does not come through the HTTP server: as if it had not been sent.
ODD_TYPES = (*(ContentType(text, known=False) for text in (*ODD_NAMES, *ODD_NAMES_MORE)), ContentType("\xff"))


def same(body: bytes) -> bytes:
    return body


def zipped(body: bytes) -> bytes:
    return gzip.compress(body, 1, mtime=0)


def members(body: bytes) -> bytes:
    """Compress in two members, cut anywhere."""
    return zipped(body[: len(body) // 3]) + zipped(body[len(body) // 3 :])


def standard(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(1).compress(body)


def streamed(body: bytes) -> bytes:
    """Compress as who does not know the length: two frames, one of them checked."""
    one, two = zstandard.ZstdCompressor(3, write_checksum=True).compressobj(), zstandard.ZstdCompressor(1).compressobj()
    half = len(body) // 2
    return one.compress(body[:half]) + one.flush() + two.compress(body[half:]) + two.flush()


def twice(body: bytes) -> bytes:
    return zipped(zipped(body))


PLAIN, GZIP, ZSTD = Encoding(None, same), Encoding("gzip", zipped), Encoding("zstd", standard)
GOOD_ENCODINGS = (
    *(GZIP, ZSTD, Encoding("x-gzip", zipped), Encoding("GZIP ", members), Encoding("gzip", members)),
    *(Encoding("Zstd", streamed), Encoding("identity", same), Encoding("", same)),
)
ODD_ENCODINGS = (
    *(Encoding("gzip", same), Encoding("zstd", same), Encoding("gzip", standard), Encoding("zstd", zipped)),
    *(Encoding(None, zipped), Encoding(None, standard), Encoding("gzip", zlib.compress), Encoding("gzip", twice)),
    *(Encoding("gzip", lambda body: zipped(body)[:-4]), Encoding("zstd", lambda body: standard(body)[:-4])),
    *(Encoding("gzip", lambda body: zipped(body) + b"\0" * 9), Encoding("zstd", lambda body: standard(body) + body)),
    *(Encoding(text, same, known=False) for text in ("br", "deflate", "gzip, gzip", "gzip;q=1", "a" * 3000)),
    Encoding("\xff", same),
)
EXTRAS = (
    *('Cookie: a=b; sessionid=\xff; csrftoken="', "X-Forwarded-For: ' OR 1=1, ::1%0", "X-Request-ID: " + "a" * 4000),
    *("Expect: 100-continue", "Range: bytes=0-", "If-None-Match: *", "Accept: text/html;q=x", "HX-Request: true"),
    *("X-HTTP-Method-Override: DELETE", "Accept-Encoding: gzip, br", "Accept-Language: \xff-\xff", "Referer: \xff"),
    *("Content_Length: 5", "X-Empty:", "Upgrade: h2c", 'Forwarded: for="[::1]"', "Proxy: http://x"),
)
QUERIES = ("?", "?a=%ff&b=%00&c", "?workload=x", "?" + "a" * 2000, "?%")
