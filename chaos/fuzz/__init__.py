"""`make fuzz`: requests as nobody would write them, and proof that what got a `202` is stored. See docs/chaos.md."""
