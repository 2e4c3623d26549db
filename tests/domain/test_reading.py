"""What somebody sent, as far as it can be read."""

import pytest

from fallbacks.reading import HIGHEST_ROW, whole_number


@pytest.mark.parametrize(
    ("text", "most", "number"),
    [
        *(("0", 9, 0), ("007", 999, 7), ("500", 500, 500), ("9" * 18, HIGHEST_ROW, HIGHEST_ROW)),
        *(("501", 500, None), ("0500", 500, None), ("1" + "0" * 18, HIGHEST_ROW, None)),
        # More digits than Python reads.
        ("9" * 5_000, HIGHEST_ROW, None),
        *((text, 999, None) for text in ("", "-1", "+1", " 1", "1.0", "1_0", "1e2", "٣", "²", "a")),
    ],
)
def test_a_whole_number_is_plain_digits_and_no_more_than_it_may_be(text: str, most: int, number: int | None) -> None:
    assert whole_number(text, most) == number
