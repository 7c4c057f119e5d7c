"""What every template must keep: no inline script or style, no other host, known icons."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines
from django.template.loader import get_template

from config.templatetags.samples import samples
from config.templatetags.words import LOOKS, UNKNOWN

ROOT = Path(settings.ROOT)
FOLDER = ROOT / "templates"
TEMPLATES = sorted(FOLDER.rglob("*.html"))
COMPONENTS = sorted(path.name for path in (FOLDER / "components").glob("*.html"))
# Parts of the frame: they are on the design page because it is a page.
DRAWN_BY_TAGS = {
    "card.html",
    "dialog.html",
    "tablebox.html",
    "timestamp.html",
    "sparkline.html",
    "lanes.html",
}

FORBIDDEN = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.IGNORECASE),
    "an inline style": re.compile(r"<style\b|\sstyle\s*=", re.IGNORECASE),
    "an event attribute": re.compile(r"""\son[a-z]+\s*=\s*["'{]""", re.IGNORECASE),
    "an htmx event attribute": re.compile(r"\shx-(on|vals=.js)[:\-]?", re.IGNORECASE),
    "a script address": re.compile(r"javascript:", re.IGNORECASE),
    "another host": re.compile(
        r"""<(?:script|link|img|iframe|source|use|form)\b[^>]*["'](?:https?:)?//""", re.IGNORECASE
    ),
}
COMMENT = re.compile(r"{% comment %}.*?{% endcomment %}", re.DOTALL)
ICON_NAME = re.compile(r"""(?:{% icon |icon_name=|[ ]icon=)["']([a-z0-9-]+)["']""")


def source(path: Path) -> str:
    return COMMENT.sub("", path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_template_respects_the_content_security_policy(path: Path):
    found = {what for what, pattern in FORBIDDEN.items() if pattern.search(source(path))}
    assert found == set()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<script>alert(1)</script>", "an inline script"),
        ('<p style="color: red">', "an inline style"),
        ("<style>p {}</style>", "an inline style"),
        ('<a onclick="go()">', "an event attribute"),
        ('<a href="javascript:go()">', "a script address"),
        ('<script src="https://cdn.example/x.js"></script>', "another host"),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', "another host"),
    ],
)
def test_the_check_finds_what_it_is_for(text: str, what: str):
    assert FORBIDDEN[what].search(text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_template_compiles(path: Path):
    assert get_template(str(path.relative_to(FOLDER))) is not None


def test_every_icon_is_in_the_sprite():
    sprite = (ROOT / "static/vendor/tabler-icons/sprite.svg").read_text()
    drawn = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    named = {name for path in TEMPLATES for name in ICON_NAME.findall(path.read_text())}
    named |= {icon for looks in LOOKS.values() for icon, _ in looks.values()} | {UNKNOWN[0]}
    assert len(named) > 40
    assert named - drawn == set()


def test_every_tone_has_its_colours():
    sheet = (ROOT / "static/css/components.css").read_text()
    tones = {tone for looks in LOOKS.values() for _, tone in looks.values()} | {UNKNOWN[1]}
    assert {tone for tone in tones if f".ob-tone-{tone} " not in sheet} == set()


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_says_what_it_takes(name: str):
    head = (FOLDER / "components" / name).read_text()[:200]
    assert "{% comment %}" in head


def test_every_component_is_on_the_design_page():
    seen, waiting = set(), ["design.html", *(f"components/{name}" for name in DRAWN_BY_TAGS)]
    waiting += [f"design/{path.name}" for path in (FOLDER / "design").glob("*.html")]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += re.findall(r"""(?:include|extends) "([^"]+)""", source(FOLDER / name))
    assert {name for name in COMPONENTS if f"components/{name}" not in seen} == set()


def test_the_error_pages_need_no_request_and_no_database():
    for code in ("400", "403", "403_csrf", "404", "429", "500"):
        page = get_template(f"{code}.html").render()
        assert "Back to the overview" in page
        assert f"Error {code[:3]}" in page


def test_the_design_page_shows_every_word():
    page = get_template("design.html").render({"nav": "design", "inbox_count": 3})
    for looks in LOOKS.values():
        for word in looks:
            assert f"{word.replace('_', ' ')}</span>" in page or f"{word} risk</span>" in page
    assert 'aria-label="Olga Owner"' not in page  # a visible name is not said twice
    assert page.count("<dialog") == 1


def test_text_from_outside_is_escaped_in_components():
    evil = '<evil onmouseover="x()">'
    for markup in (
        '{% include "components/person.html" with name=evil only %}',
        '{% include "components/digest.html" with value=evil only %}',
        '{% include "components/notice.html" with text=evil title=evil only %}',
        '{% include "components/stage_badge.html" with value=evil only %}',
        "{% card evil %}{{ evil }}{% endcard %}",
        '{% dialog "id" evil %}{{ evil }}{% enddialog %}',
        "{% tablebox evil %}{{ evil }}{% endtablebox %}",
        "{% icon evil evil evil %}",
    ):
        page = engines["django"].from_string(markup).render({"evil": evil})
        assert "&lt;evil" in page
        assert "<evil" not in page


def test_the_samples_have_every_kind_of_chart():
    shown = samples()
    assert {shown[name]["kind"] for name in ("loss", "carriers", "contributions")} == {
        "line",
        "bar",
    }
