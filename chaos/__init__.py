"""Chaos: the whole product under load while its parts die, and the proof that nothing is lost or counted twice."""
