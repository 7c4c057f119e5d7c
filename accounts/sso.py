"""Single sign-on by OpenID Connect."""

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    pass
