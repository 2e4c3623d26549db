"""A browser that misses nothing."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.test import Client
from playwright.sync_api import Page, expect

from tests.browser.hostile.eyes import BESIDE, COUNTED, FETCHED, HIDDEN, OPEN_ALL, STRANGE, WATCH
from tests.browser.hostile.stage import Look, Stage
from tests.browser.test_pages import NARROW, WIDE


@dataclass(frozen=True)
class Shape:
    """What a page is made of. `echoes`: it says something of its address."""

    status: int
    counts: Counter[str]
    echoes: bool = False

    def more_or_less(self, other: "Shape") -> list[str]:
        """Return what there is more or less of on another page."""
        names = sorted({*self.counts, *other.counts})
        pairs = {"status": (self.status, other.status)}
        pairs |= {name: (self.counts[name], other.counts[name]) for name in names}
        return [f"{name}: {one} and {another}" for name, (one, another) in pairs.items() if one != another]


class Visitor:
    """A browser that misses nothing."""

    def __init__(self, page: Page, complaints: list[str]) -> None:
        self.page, self.complaints = page, complaints
        self.asked: list[str] = []
        self.set_width(WIDE)
        page.context.add_init_script(WATCH)
        page.context.on("request", lambda request: self.asked.append(request.url))
        parts = urlsplit(page.url)
        self.ours = f"{parts.scheme}://{parts.netloc}/"

    def open(self, look: Look, expected: Shape | None = None) -> list[str]:
        """Open a page, in a wide and in a narrow window; return what is wrong with it."""
        answer = self.page.goto(look.path)
        assert answer is not None
        self.forgive(answer.status)
        found = [] if answer.status == look.status else [f"status {answer.status}"]
        if expected is not None:
            counts = Counter(self.page.evaluate(COUNTED, answer.text()))
            found += expected.more_or_less(Shape(answer.status, counts))
        self.page.evaluate(OPEN_ALL)
        return [*found, *self.wrong(*look.shows), *self.beside(look.again)]

    def forgive(self, status: int) -> None:
        """A browser says of every answer with such a status that it has it."""
        usual = f"Failed to load resource: the server responded with a status of {status}"
        if status >= 400:
            self.complaints[:] = [said for said in self.complaints if not said.startswith(usual)]

    def wrong(self, *texts: str) -> list[str]:
        """Return which of these texts are not to be seen, and what else than text any of them is."""
        found = [f"not seen: {text}" for text in self.page.evaluate(HIDDEN, list(texts))]
        found += [f"not ours: {each}" for each in self.page.evaluate(STRANGE)]
        found += [f"asked: {url}" for url in self.asked if not url.startswith((self.ours, "blob:", "data:"))]
        found += self.complaints
        self.asked.clear()
        self.complaints.clear()
        return found

    def beside(self, wide_alone: bool) -> list[str]:
        """Return what lies beside the screen, of a wide window and of a narrow one."""
        found = self.page.evaluate(BESIDE)
        if wide_alone:
            return [f"beside the screen: {each}" for each in found]
        self.set_width(NARROW)
        found += self.page.evaluate(BESIDE)
        self.set_width(WIDE)
        return [f"beside the screen: {each}" for each in found]

    def set_width(self, width: int) -> None:
        # Low: what nobody looks at need not be painted.
        self.page.set_viewport_size({"width": width, "height": 300})

    def sees(self, *texts: str) -> None:
        assert self.wrong(*texts) == [], self.page.url[:200]

    def shapes(self, paths: Sequence[str]) -> list[Shape]:
        """What pages are made of, without opening them."""
        rows = self.page.evaluate(FETCHED, list(paths))
        for status, *_ in rows:
            self.forgive(status)
        return [Shape(status, Counter(counts), echoes) for status, counts, echoes in rows]

    def refresh(self) -> list[str]:
        """Let the figures be asked for again, and be put in the place of the old ones; return what is wrong then."""
        with self.page.expect_response(lambda answer: "hx-request" in answer.request.headers):
            self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(self.page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
        return self.wrong()

    def touch_charts(self) -> list[str]:
        """Move over each chart, and go through it by keys; return what is wrong then."""
        for chart in self.page.locator("[data-chart]").all():
            chart.scroll_into_view_if_needed()
            box = chart.bounding_box()
            assert box is not None
            for share in (0.3, 0.6, 0.95):
                self.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
            chart.focus()
            self.page.keyboard.press("ArrowLeft")
        return self.wrong()


Visits = Callable[[Client | None], Visitor]


def shapes(on: Stage, visits: Visits) -> dict[str, Shape]:
    """What each kind of page is made of, by the name of the page."""
    found: dict[str, Shape] = {}
    for by in ("admin", "viewer", "nobody"):
        names = [name for name, look in on.looks.items() if look.by == by and not look.again]
        found |= zip(names, visits(on.clients.get(by)).shapes([on.looks[name].path for name in names]), strict=True)
    return found
