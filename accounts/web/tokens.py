"""A person's page: roles and API tokens."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import ApiToken
from accounts.policies import Refused
from accounts.reads import memberships_of, tokens_of
from accounts.roles import Scope
from accounts.services.tokens import LONGEST_DAYS, create_token, revoke_token
from accounts.sessions import person_of


class TokenForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="Where it will be used, for example: laptop")
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices, widget=forms.CheckboxSelectMultiple, initial=[Scope.READ]
    )
    days = forms.IntegerField(
        min_value=1, max_value=LONGEST_DAYS, initial=90, label="Lives for (days)"
    )


@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """Roles and tokens; a new token's text is in the answer to the POST and nowhere else."""
    person = person_of(request)
    form = TokenForm(request.POST or None)
    new_text = ""
    if request.method == "POST" and form.is_valid():
        try:
            made = create_token(actor=person, owner=person, **form.cleaned_data)
            new_text, form = made.text, TokenForm()
        except (Refused, ValueError) as error:
            form.add_error(None, str(error))
    context = {
        "form": form,
        "new_text": new_text,
        "roles": memberships_of(person),
        "tokens": tokens_of(person),
    }
    return render(request, "accounts/tokens.html", context, status=200 if not form.errors else 422)


@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    person = person_of(request)
    token = get_object_or_404(ApiToken.objects.visible_to(person), pk=token_id)
    revoke_token(actor=person, token_id=token.pk)
    messages.success(request, f"The token {token.name} is revoked.")
    return redirect("account")
