"""Chromium for the tests that look at pages."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.db import connections
from playwright.sync_api import Browser, sync_playwright

from deploy import chromium

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@contextmanager
def started() -> Iterator[Browser]:
    """A browser that is driven from this thread, until the block ends.

    Playwright keeps an event loop in the thread meanwhile, so Django wants to be told that the ORM
    is used beside it, and gives it connections of its own. They end with the browser: left open,
    they would be met by the next test with a browser, cut or stale.
    """
    path = chromium.find()
    assert path, "Chromium is needed: apt-get install chromium"
    beside_a_loop = patch.dict(os.environ, {"DJANGO_ALLOW_ASYNC_UNSAFE": "true"})
    with beside_a_loop, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            connections.close_all()
            browser.close()
