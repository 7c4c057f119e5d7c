"""The one exception of this package: a sentence for the person at the terminal."""


class Refusal(Exception):
    """Ombud does not start, or stops; the message says what, where and how to mend it."""
