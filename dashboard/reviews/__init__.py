"""The review queue and the desk, as people meet them."""
