"""The list of events, and one of them: filters, rows, counts, words."""
