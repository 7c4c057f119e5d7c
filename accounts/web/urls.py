from django.urls import path

from accounts.web import tokens

app_name = "accounts"
urlpatterns = [
    path("me", tokens.tokens, name="tokens"),
    path("me/tokens/<int:token_id>/revoke", tokens.revoke, name="revoke"),
]
