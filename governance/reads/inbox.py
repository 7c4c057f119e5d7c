"""What waits for a person's signature."""

from typing import Any


def waiting_for(_user: Any) -> int:
    return 0
