"""`make run`: the whole product on one machine, with embedded servers. See docs/running.md."""
