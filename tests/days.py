"""Days as tests count them: asked anew each time, so that midnight may fall into a test run."""

from datetime import date

from django.utils import timezone


def today() -> date:
    """The day of now, in UTC, as the product counts days."""
    return timezone.now().date()
