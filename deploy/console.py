"""What is said to the person at the terminal."""

import sys


def say(sentence: str = "") -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def begin(sentence: str) -> None:
    """The first half of a line whose end follows with `say`."""
    sys.stdout.write(f"{sentence} … ")
    sys.stdout.flush()


def complain(sentence: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
