"""The design page in a real browser under the product's Content-Security-Policy."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from csp.constants import HEADER
from django.conf import settings
from django.template.loader import render_to_string
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests import browsers

ROOT = Path(__file__).resolve().parent.parent.parent
POLICY = "; ".join(
    f"{name} {' '.join(sources)}"
    for name, sources in settings.CONTENT_SECURITY_POLICY["DIRECTIVES"].items()
)


class Handler(SimpleHTTPRequestHandler):
    """Static files of the project, and the design page, without a database."""

    def do_GET(self) -> None:
        if self.path.startswith("/static/"):
            super().do_GET()
            return
        page = render_to_string("design.html", {"nav": "overview", "inbox_count": 3}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def end_headers(self) -> None:
        self.send_header(HEADER, POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: a test says what is wrong, not what was asked."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(ROOT)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/design"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers.started() as started:
        yield started


def visit(browser: Browser, address: str, **options: Any) -> tuple[Page, list[str]]:
    """A page of its own, and everything its console complains about."""
    options = {"viewport": {"width": 1440, "height": 900}, **options}
    page = browser.new_context(**options).new_page()
    complaints: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page, complaints


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_breaks_no_policy(browser, address, width, scheme):
    page, complaints = visit(
        browser, address, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme
    page.context.close()


def test_every_chart_is_drawn_and_has_its_table(browser, address):
    page, complaints = visit(browser, address)
    charts = page.locator("[data-chart]").count()
    assert charts == 3
    assert page.locator("[data-chart] canvas").count() == charts
    assert page.locator(".ob-chart details table tbody tr").count() > 20
    page.locator("[data-chart=sample-loss]").hover(position={"x": 400, "y": 120})
    page.wait_for_timeout(200)
    assert complaints == []
    page.context.close()


def test_the_chosen_theme_is_remembered(browser, address):
    page, _ = visit(browser, address, color_scheme="light")
    page.locator(".ob-menu summary").click()
    page.locator("[data-theme-choice=dark]").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    page.context.close()


def test_the_drawer_opens_closes_and_gives_the_focus_back(browser, address):
    page, _ = visit(browser, address, viewport={"width": 390, "height": 844})
    inbox = page.locator(".ob-sidebar >> text=Inbox")
    assert not inbox.is_visible()
    page.locator("[data-drawer=open]").click()
    inbox.wait_for(state="visible")
    page.keyboard.press("Escape")
    inbox.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.dataset.drawer") == "open"
    page.context.close()


def test_without_javascript_the_drawer_the_menu_and_the_numbers_can_be_reached(browser, address):
    page, _ = visit(
        browser, address, viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    page.locator("[data-drawer=open]").click()
    page.locator(".ob-sidebar >> text=Inbox").wait_for(state="visible")
    page.goto(address)
    page.locator(".ob-menu summary").click()
    assert page.locator("text=Sign out").is_visible()
    page.locator(".ob-chart summary").first.click()
    assert page.locator(".ob-chart table").first.is_visible()
    page.context.close()


def test_a_dialog_opens_and_closes(browser, address):
    page, _ = visit(browser, address)
    page.locator("[data-dialog=sample-dialog]").click()
    assert page.locator("#sample-dialog").is_visible()
    page.locator("#sample-dialog [data-dialog-close]").first.click()
    assert not page.locator("#sample-dialog").is_visible()
    page.context.close()


def test_a_digest_is_copied(browser, address):
    page, _ = visit(browser, address, permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("main .ob-copy").first
    button.click()
    page.locator(".ob-copy.is-copied").first.wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == button.get_attribute("data-copy")
    page.context.close()
