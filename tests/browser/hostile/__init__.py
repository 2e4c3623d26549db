"""No text is more than a text: what anybody can put in, shown on every page in a real browser.

`texts` gives payloads to fields, `stage` is a product full of them, `visitor` is a browser, and `eyes` are what it is
asked. `browser_page` fails on whatever the browser says, throws or asks; what is refused by the policy of a page, what
is asked of elsewhere, and what a text adds to a page is looked for here.
"""
