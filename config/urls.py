"""Every address of Ombud. A new one needs a line in the route × role table of the tests."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
