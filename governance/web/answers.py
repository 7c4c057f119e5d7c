"""How pages tell what could not be done: beside the field it concerns, else on top of the form."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from governance.refusals import Incomplete, Unable


def blame(form: forms.Form, error: Unable) -> int:
    """Put the refusal into the form; returns the status to answer with."""
    field = error.field if isinstance(error, Incomplete) and error.field in form.fields else None
    form.add_error(field, str(error))
    return error.status


def tell(request: HttpRequest, error: Unable) -> None:
    """A refused step without a form of its own: said on the page it was asked from."""
    messages.error(request, f"{error} Nothing was changed.")
