from django.urls import path

from accounts.web import delegations, invitation, passkeys, security, sso, tokens

urlpatterns = [
    path("me", tokens.tokens, name="account"),
    path("me/tokens/<int:token_id>/revoke", tokens.revoke, name="token-revoke"),
    path("delegations", delegations.delegations, name="delegations"),
    path("delegations/<int:delegation_id>/end", delegations.delegation_end, name="delegation-end"),
    path("security", security.security, name="security"),
    path("security/app", security.new_app, name="security-app"),
    path("security/app/remove", security.drop_app, name="security-app-remove"),
    path("security/codes", security.new_codes, name="security-codes"),
    path("security/passkeys/new", passkeys.new, name="passkey-new"),
    path("security/passkeys/options", passkeys.new_options, name="passkey-new-options"),
    path("security/passkeys/<int:passkey_id>/remove", passkeys.remove, name="passkey-remove"),
    path("login/passkey", passkeys.sign_in, name="passkey-login"),
    path("login/passkey/options", passkeys.sign_in_options, name="passkey-login-options"),
    path("passkey/sign", passkeys.sign_options, name="passkey-sign-options"),
    path("invitation/<str:token>", invitation.invitation, name="invitation"),
    path("sso/login", sso.enter, name="sso-login"),
    path("sso/callback", sso.callback, name="sso-callback"),
    path("sso/confirm", sso.confirm, name="sso-confirm"),
]
