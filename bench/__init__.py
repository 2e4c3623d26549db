"""`make bench`: how fast the product is, as ratios to references measured in the same run. See docs/bench.md."""
