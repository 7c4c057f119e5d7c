"""The pages of archives. Models and versions have theirs in governance, which knows more."""

from django.urls import path

from registry.web import archives, sandbox

urlpatterns = [
    path("archives", archives.archives, name="archives"),
    path("archives/<int:archive_id>", archives.archive, name="archive"),
    path("archives/<int:archive_id>/drill", archives.drill, name="archive-drill"),
    path("sandbox", sandbox.sandbox, name="sandbox"),
]
