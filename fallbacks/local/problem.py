"""What stops `make run` for a reason that its user can mend."""


class Problem(Exception):
    """Something that the user has to mend. Its text is one sentence that says what and how."""
