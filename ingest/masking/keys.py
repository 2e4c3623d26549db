"""Keys and e-mail addresses: what is known by its shape alone."""

import re
from collections.abc import Iterator

from ingest.masking.signs import Span

_START = r"(?<![A-Za-z0-9_-])"
# Of a token, and too long or too mixed for a word.
_NO_WORD = r"(?:(?=[\w.~+/=-]{0,40}(?:[0-9]|[a-z][A-Z]))[\w.~+/=-]{12,}|[\w.~+/=-]{24,})"
# A word that must be there, which is quick to look for, and the shape around it; its group is masked, if it has one.
_SHAPES = [
    ("sk-", _START + r"sk-(?=[\w-]{0,60}[0-9])[\w-]{16,}"),
    ("fo_", _START + r"fo_[\w-]{16,}"),
    ("AKIA", _START + r"AKIA[0-9A-Z]{16}(?![0-9A-Za-z])"),
    ("ASIA", _START + r"ASIA[0-9A-Z]{16}(?![0-9A-Za-z])"),
    ("gh", _START + r"gh[opsur]_[A-Za-z0-9]{20,}"),
    ("github_pat_", _START + r"github_pat_\w{20,}"),
    ("glpat-", _START + r"glpat-[\w-]{16,}"),
    ("xox", _START + r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{8,}"),
    ("xapp-", _START + r"xapp-[A-Za-z0-9-]{16,}"),
    ("AIza", _START + r"AIza[\w-]{30,}"),
    ("ya29.", _START + r"ya29\.[\w-]{20,}"),
    ("_live_", _START + r"[a-z]{2}_live_[A-Za-z0-9]{16,}"),
    ("_test_", _START + r"[a-z]{2}_test_[A-Za-z0-9]{16,}"),
    ("whsec_", _START + r"whsec_[\w+/=-]{16,}"),
    ("SG.", _START + r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    ("xai-", _START + r"xai-[A-Za-z0-9]{20,}"),
    ("pplx-", _START + r"pplx-[A-Za-z0-9]{20,}"),
    ("hf_", _START + r"hf_[A-Za-z0-9]{20,}"),
    ("gsk_", _START + r"gsk_[A-Za-z0-9]{20,}"),
    ("npm_", _START + r"npm_[A-Za-z0-9]{20,}"),
    ("pypi-", _START + r"pypi-[\w-]{20,}"),
    ("eyJ", _START + r"eyJ[\w-]{8,}(?:\.[\w-]*){2,4}"),
    ("PRIVATE KEY", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}KEY[A-Z ]{0,9}-----|\Z)"),
    ("earer", rf"\b[Bb]earer[ \t:]{{1,4}}({_NO_WORD})"),
    ("EARER", rf"\bBEARER[ \t:]{{1,4}}({_NO_WORD})"),
    ("uthorization", r"[Aa]uthorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:B(?:asic|earer)|Token)\s{1,3}([\w.~+/=-]{6,})"),
    ("://", r"://[^\s/:@\0]{0,64}:(?!\[key\]@)([^\s/@\0]{1,200})@"),
]
_NAMED_VALUE = re.compile(
    # JSON within JSON has its quotes escaped.
    r"(?i:key|token|secret)(?:\\{0,3}[\"'])?\s{0,3}[:=]\s{0,3}(?:\\{0,3}[\"'])?((?=[\w+/=.~-]{0,60}[0-9])[\w+/=~-][\w+/=.~-]{14,}[\w+/=~-])"
)
_KEYS = [(word, re.compile(shape)) for word, shape in _SHAPES]


def keys(plain: str) -> Iterator[Span]:
    found = [each.span(each.lastindex or 0) for word, shape in _KEYS if word in plain for each in shape.finditer(plain)]
    lower = plain.lower()
    if "key" in lower or "token" in lower or "secret" in lower:
        found += [each.span(1) for each in _NAMED_VALUE.finditer(plain)]
    done = 0
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if end > done:
            # Where one reaches into another, all of both is masked.
            yield max(start, done), end
            done = end


# Of letters those of alphabets that part words by spaces: else the words before an address would go with it.
_NAME = r"A-Za-z0-9_.%+\-\u00c0-\u024f\u0370-\u052f"
_EMAIL = re.compile(
    rf"(?<![{_NAME}])[{_NAME}]++@(?:[\w-]++\.)+(?:xn--[\w-]+|(?!(?:png|jpe?g|gif|svg|webp)\b)[^\W\d_]{{2,63}})"
)


def emails(plain: str) -> Iterator[Span]:
    return (found.span() for found in _EMAIL.finditer(plain)) if "@" in plain else iter(())
