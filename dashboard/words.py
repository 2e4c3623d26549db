"""How numbers and times are written, on every page alike. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

# A narrow space that does not break: between a figure and its sign.
NARROW = "\u202f"
MISSING = "–"
MINUS = "−"
# Changes smaller than this are noise to the eye: no arrow, grey.
CHANGE_WORTH_AN_ARROW = 0.1
SMALLEST_MONEY = Decimal("0.0001")


def number(value: int | None) -> str:
    """Write a count in full: 184,220."""
    return MISSING if value is None else f"{value:,}".replace("-", MINUS)


def percent(share: float | None, digits: int = 2) -> str:
    """Write a share from 0 to 1: 2.01 %, <0.01 %, 0 %. A share that is not whole never looks whole."""
    if share is None:
        return MISSING
    smallest = 10**-digits
    if 0 < share * 100 < smallest:
        return f"<{smallest:.{digits}f}{NARROW}%"
    if 100 - smallest < share * 100 < 100:
        return f">{100 - smallest:.{digits}f}{NARROW}%"
    return f"{share * 100:.0f}{NARROW}%" if share in (0, 1) else f"{share * 100:.{digits}f}{NARROW}%"


def interval(ends: tuple[float, float], joined: str = "to") -> str:
    """Write between which shares one lies: 76.4 to 99.1 %, 0 to 65.8 %; `joined` is "and" after "between"."""
    low, high = (percent(end, 1) for end in ends)
    return f"{low.removesuffix(f'{NARROW}%')} {joined} {high}"


def points(change: float | None) -> str:
    """Write a change in percentage points: +1.60, −0.05, 0."""
    if change is None:
        return MISSING
    size = f"{abs(change):.2f}"
    return "0" if size == "0.00" else f"{'+' if change > 0 else MINUS}{size}"


def money(amount: Decimal | None, signed: bool = False) -> str:
    """Write US dollars: $17.08, −$17.08, $0.0041 under a cent, and +$17.08 where the sign matters."""
    if amount is None:
        return MISSING
    size = abs(amount)
    if not size:
        return "$0"
    sign = MINUS if amount < 0 else "+" if signed else ""
    if size < SMALLEST_MONEY:
        return f"{sign}<${SMALLEST_MONEY}"
    # Under a cent, as many digits as say two figures.
    digits = 2 if size >= Decimal("0.01") else 1 - size.adjusted()
    return f"{sign}${size:,.{digits}f}"


def price(amount: Decimal | None) -> str:
    """Write what something costs by a price list: $2.50, $0.075. All its digits, and cents at least."""
    if amount is None:
        return MISSING
    digits = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"${amount:,.{digits}f}"


def duration(span: timedelta) -> str:
    """Write how long something lasts: 48 min, 1 h 17 min, 2 days 5 h."""
    minutes = int(span.total_seconds() // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if not minutes:
        return "under a minute"
    parts = [f"{days} day{'s' if days > 1 else ''}" if days else "", f"{hours} h" if hours else ""]
    # Of days the minutes say nothing more.
    parts.append(f"{minutes % 60} min" if minutes % 60 and not days else "")
    return " ".join(filter(None, parts))


def length(span: timedelta) -> str:
    """Write the length of a bucket: 5 min, 2 h, 1 day, 7 days."""
    minutes = int(span.total_seconds() // 60)
    if minutes % 1440 == 0:
        return f"{minutes // 1440} day{'s' if minutes > 1440 else ''}"
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def clock(moment: datetime, zone: tzinfo, seconds: bool = False) -> str:
    """Write the time of day: 15:04, 15:04:12."""
    return moment.astimezone(zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def date(moment: datetime, zone: tzinfo, year: bool = False) -> str:
    """Write the day: Mon 16 Nov, Mon 16 Nov 2026."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}{f' {local.year}' if year else ''}"


def date_and_clock(moment: datetime, zone: tzinfo, now: datetime, seconds: bool = False) -> str:
    """Write a time as short as it stays clear: 15:04 of today, Mon 16 Nov 15:04, with the year where it is another."""
    here, today = moment.astimezone(zone), now.astimezone(zone)
    if here.date() == today.date():
        return clock(moment, zone, seconds)
    return f"{date(moment, zone, year=here.year != today.year)} {clock(moment, zone, seconds)}"


def span(start: datetime, end: datetime, zone: tzinfo, now: datetime) -> tuple[str, str]:
    """Write both ends of a span, each with its day, the second without where it is the same."""
    year = {start.astimezone(zone).year, end.astimezone(zone).year} != {now.astimezone(zone).year}
    days = date(start, zone, year), date(end, zone, year)
    first = f"{days[0]} {clock(start, zone)}"
    return first, clock(end, zone) if days[0] == days[1] else f"{days[1]} {clock(end, zone)}"


def universal(moment: datetime) -> str:
    """Write a time in UTC in full, for the title of one that is shown in the viewer's zone."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def names(slugs: Sequence[str], most: int = 3) -> str:
    """Write a list of names: a, b and c; or a, b, c and 4 more."""
    if len(slugs) > most:
        return f"{', '.join(slugs[:most])} and {len(slugs) - most} more"
    return both(slugs)


def both(names: Sequence[str]) -> str:
    """Write a list in full: a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
