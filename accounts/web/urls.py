from django.urls import path

from accounts.web import tokens

urlpatterns = [
    path("me", tokens.tokens, name="account"),
    path("me/tokens/<int:token_id>/revoke", tokens.revoke, name="token-revoke"),
]
