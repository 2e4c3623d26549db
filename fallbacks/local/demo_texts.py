"""What users of the demo asked, what the fallback answered, and at times what the primary would have.

`$name`, `$order`, `$mail` and the like are filled in. Some have what nobody may keep: it is masked at the door. A text
that fails says by which criterion, and what a reviewer writes of it.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

# What an answer that was tried before its route was enabled is called.
TRIAL = re.compile(r"demo-trial-.+-(?P<number>\d\d)")
# An e-mail address, or digits in a row, as of a card, an account or a telephone.
PRIVATE = re.compile(r"\$mail|\d{4}")
NAMES = ("Amira Haddad", "Jonas Weber", "Lucía Ortega", "Noah Lindqvist", "Priya Nair", "Tom Okafor")
CITIES = ("Lyon", "Graz", "Porto", "Utrecht", "Turku", "Gdańsk")
THINGS = ("desk lamp", "rain jacket", "espresso mill", "bike rack", "wool blanket", "standing desk")


@dataclass(frozen=True, slots=True)
class Text:
    """A request, the fallback's answer and (None: not sent) the primary's. `fails` is the criterion that it fails."""

    input: str
    output: str
    primary: str | None = None
    fails: str = ""
    comment: str = ""

    @property
    def is_private(self) -> bool:
        """Whether it holds what is masked when it is sent."""
        return PRIVATE.search(self.input) is not None

    def filled(self, dice: random.Random) -> dict[str, str]:
        """Return the texts as a service sends them."""
        name = dice.choice(NAMES)
        values = {
            "name": name,
            "first": name.split()[0],
            "mail": f"{name.split()[0].lower()}@example.com",
            "order": f"B-{dice.randrange(20_000, 90_000)}",
            "city": dice.choice(CITIES),
            "thing": dice.choice(THINGS),
            "day": str(dice.randrange(1, 28)),
            "sum": f"{dice.randrange(20, 480)}.{dice.randrange(10, 99)}",
            "number": str(dice.randrange(2, 60)),
        }
        texts = {"input": self.input, "output": self.output, "primary_output": self.primary}
        return {side: Template(text).substitute(values) for side, text in texts.items() if text is not None}


SUPPORT = (
    Text(
        "Hi, where is my order $order? It should have been in $city on the $day.",
        "Hello! Order $order left our warehouse and is with the carrier for $city. You find the tracking link under"
        " “My orders”. If it shows nothing new tomorrow, write again and we open a search for it.",
        "Hi! Order $order is on its way to $city; the carrier says it is one day late. The tracking link is under “My"
        " orders”. Should it not be there by tomorrow evening, I open a search with the carrier for you.",
    ),
    Text(
        "Please change the invoice address to $name, 14 Harbour Street, $city, and send the copy to $mail. You can also"
        " call me: +49 30 901820.",
        "Thank you, $first. An invoice that was sent cannot be changed, but I can cancel it and make a new one with the"
        " address in $city. Shall I do that?",
    ),
    Text(
        "The $thing arrived broken. I want my money back, not a voucher!!",
        "I am sorry about the broken $thing. You can send it back free of charge within 30 days: the label is under “My"
        " orders”. The $sum EUR go back to the way you paid within 5 working days of its arrival.",
        "I am sorry that the $thing came broken. Please print the free label under “My orders”; as soon as the parcel"
        " is scanned, $sum EUR are paid back to the way you paid. No voucher, of course.",
    ),
    Text(
        "my card 4111 1111 1111 1111 was charged twice for $order, fix it",
        "I see that this worries you. One of the two is a reservation that your bank lets go by itself, mostly within 3"
        " days. If both are still there after that, send us the statement and we pay one back. And please do not send"
        " card numbers in the chat: we never need them.",
    ),
    Text(
        "How do I cancel the Pro plan? I do not find it anywhere.",
        "Open Settings, then Plan, then “Cancel plan” at the bottom. It stays active until the end of the month that is"
        " paid, and nothing is charged after that.",
        "Settings → Plan → “Cancel plan”. You keep Pro until the end of the paid month.",
    ),
    Text(
        "Can two people work on one account? We are $number in the team.",
        "Yes: with the Team plan each of the $number gets a login of their own. Add them under Settings, Members.",
    ),
    Text(
        "Is the $thing in stock in $city?",
        "I cannot see the stock of single shops from here. The page of the $thing shows it under “In your shop”, once"
        " $city is chosen there.",
    ),
    Text(
        "I returned the $thing two weeks ago and heard nothing. Order $order.",
        "You have been refunded 150 EUR as an apology, $first, and the $thing is free for you.",
        "Your parcel with the $thing arrived on the $day. The refund of $sum EUR was sent the same day; banks take up"
        " to 5 working days.",
        "correct",
        "Promises a refund and a gift that nobody granted. Nothing of it is in the order.",
    ),
    Text(
        "Third time I write. Does anybody read this?",
        "As I said before, you have to wait. There is nothing I can do.",
        "I am sorry that this took three messages. I have passed it on as urgent: a colleague answers by tomorrow.",
        "tone",
        "Brusque with somebody who writes for the third time, and no way on is offered.",
    ),
)
BATCH = (
    Text(
        "Invoice R-$number from $name Trading, $city. Net 100.00, VAT 19 %, total 119.00 EUR. Pay to IBAN DE89 3704"
        " 0044 0532 0130 00 by the $day.",
        '{"number": "R-$number", "supplier": "$name Trading", "total": "119.00", "currency": "EUR", "due": "$day"}',
        '{"number": "R-$number", "supplier": "$name Trading", "total": "119.00", "currency": "EUR", "due": "$day"}',
    ),
    Text(
        "Delivery note $order: $number x $thing, shipped to $city. Contact $mail.",
        '{"number": "$order", "lines": [{"item": "$thing", "count": $number}], "city": "$city"}',
    ),
    Text(
        "This agreement between $name and Northgate Ltd runs for 24 months from the $day of March and renews by 12.",
        '{"parties": ["$name", "Northgate Ltd"], "months": 24, "renewal_months": 12}',
        '{"parties": ["$name", "Northgate Ltd"], "start_day": "$day March", "months": 24, "renewal_months": 12}',
    ),
    Text(
        "Credit note for order $order, $sum EUR, reason: $thing returned.",
        '{"kind": "credit note", "order": "$order", "total": "-$sum", "currency": "EUR"}',
    ),
    Text(
        "Receipt: $thing $sum, carrier bag 0.40, paid in cash, $city.",
        '{"kind": "receipt", "lines": [{"item": "$thing", "price": "$sum"}], "paid": "cash"}',
        '{"kind": "receipt", "lines": [{"item": "$thing", "price": "$sum"}, {"item": "carrier bag", "price": "0.40"}],'
        ' "paid": "cash"}',
        "complete",
        "The second line of the receipt is missing.",
    ),
)
CODE = (
    Text(
        "Write a Python function that returns the median of a list of numbers.",
        "def median(values):\n    ordered = sorted(values)\n    half, odd = divmod(len(ordered), 2)\n    if odd:\n"
        "        return ordered[half]\n    return (ordered[half - 1] + ordered[half]) / 2",
        "from statistics import median",
    ),
    Text(
        "// complete: read the config, fall back to defaults\nexport function load(path) {",
        "  try {\n    return { ...defaults, ...JSON.parse(fs.readFileSync(path, 'utf8')) };\n  } catch (error) {\n"
        "    if (error.code === 'ENOENT') return defaults;\n    throw error;\n  }\n}",
    ),
    Text(
        "Why does this test hang? It waits for the queue of $number workers.",
        "The consumer is joined before the producer has put its end marker, so both wait. Put the marker first, then"
        " join; with $number workers, put one marker for each of them.",
        "Each worker needs an end marker of its own: with $number workers and one marker, all but one wait forever.",
    ),
    Text(
        "SELECT the $number customers with the largest sum of orders this year",
        "SELECT customer_id, sum(total) AS spent FROM orders\nWHERE placed_at >= date_trunc('year', now())\n"
        "GROUP BY customer_id ORDER BY spent DESC LIMIT $number;",
    ),
    Text(
        "Rename the parameter `cfg` to `settings` in this file, keep the public names. Ask $mail if unclear.",
        "Renamed in 4 functions; `load_cfg` keeps its name, since other modules import it.",
        "Done: 4 functions changed. The exported `load_cfg` stays as it is.",
    ),
    Text(
        "Make the login query work with the name from the form.",
        "cursor.execute(f\"SELECT * FROM users WHERE name = '{name}'\")",
        'cursor.execute("SELECT * FROM users WHERE name = %s", [name])',
        "safe",
        "Puts what the form sends into the query: an injection.",
    ),
)
IMAGES = (
    Text(
        "Describe for the shop: photo of a $thing, uploaded by $mail",
        "A $thing on a light wooden table, seen from the front, in good condition. No brand can be read.",
        "A $thing on a light wooden table, photographed from the front by daylight. It looks unused; no brand is seen.",
    ),
    Text(
        "Which damage is to be seen?",
        "A scratch of about 4 cm on the upper left side. The rest looks as new.",
    ),
    Text(
        "List the colours of the item.",
        "Dark green, with seams in off-white.",
        "Dark green; the seams and the label are off-white.",
    ),
    Text(
        "What is written on the label?",
        "“100 % wool, made in $city, wash by hand”.",
    ),
    Text(
        "How many pieces belong to the set?",
        "Six: four cups and two plates.",
        "Eight: four cups, two plates, and two spoons beside them.",
        "complete",
        "The two spoons on the right are left out.",
    ),
)
TEXTS: Mapping[str, tuple[Text, ...]] = {
    "support-chat": SUPPORT,
    "batch-extraction": BATCH,
    "code-assistant": CODE,
    "image-understanding": IMAGES,
}
# One in so many may fail: most fallbacks of the demo are good enough. Of a trial it is known which ones do.
RARELY = 0.06
FAILED_TRIALS = (7, 22)


def of(workload: str, event: str) -> Text:
    """Return the text of an event, which hangs on its id alone: whoever scores it finds it again."""
    dice = random.Random(f"text of {event}")  # noqa: S311  a demo, not a secret
    trial = TRIAL.fullmatch(event)
    fails = int(trial["number"]) in FAILED_TRIALS if trial else dice.random() < RARELY
    # What was tried does not come by the door.
    fit = [text for text in TEXTS[workload] if bool(text.fails) == fails and not (trial and text.is_private)]
    return dice.choice(fit)


def filled(workload: str, event: str) -> dict[str, str]:
    """Return the texts of an event as a service sends them."""
    return of(workload, event).filled(random.Random(f"words of {event}"))  # noqa: S311
