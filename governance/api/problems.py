"""Governance's refusals as problems of the API."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.api.problems import Problem
from governance.card_fields import BadSections
from governance.reads.signing import page_of
from governance.refusals import BrowserNeeded, Unable


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    """Whatever a service cannot do becomes an answer with its status, code and details."""
    try:
        yield
    except BrowserNeeded as error:
        where = page_of(error.subject)
        raise Problem(error.status, error.code, str(error), address=where) from error
    except Unable as error:
        raise Problem(error.status, error.code, str(error), **error.details()) from error
    except BadSections as error:
        errors = [
            {"field": f"sections.{name}", "code": "invalid", "message": text}
            for name, text in error.errors.items()
        ]
        raise Problem(422, "invalid", "Some sections are not right.", errors=errors) from error
