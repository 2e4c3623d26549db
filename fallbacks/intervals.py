"""How sure a share is that was found in a few: Wilson's interval. Pure, the standard library alone."""

from math import sqrt

# Nineteen of twenty such intervals hold the share that one would find in all.
Z = 1.959963984540054


def wilson(passed: int, count: int) -> tuple[float, float]:
    """Return between which shares, from 0 to 1, that of all lies at 95 %, where `passed` of `count` were found."""
    if not count:
        return 0.0, 1.0
    share, weight = passed / count, Z * Z / count
    middle = (share + weight / 2) / (1 + weight)
    reach = Z * sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    # None and all are told exactly: rounding would make 100 % look like less.
    return (max(0.0, middle - reach) if passed else 0.0), (min(1.0, middle + reach) if passed < count else 1.0)
