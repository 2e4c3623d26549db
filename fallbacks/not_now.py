"""What is said where a step cannot be taken as things are."""


class NotNow(Exception):
    """A step cannot be taken now: `code` names why, `message` says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
