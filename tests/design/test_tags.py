"""The tags and filters that the pages use."""

from datetime import UTC, datetime

import pytest
from django.template import Context, TemplateSyntaxError, engines
from django.test import RequestFactory

from config.templatetags import ombud


def drawn(markup: str, **context: object) -> str:
    return engines["django"].from_string(markup).render(context)


def test_an_icon_is_hidden_from_screen_readers_unless_it_says_something():
    assert 'aria-hidden="true"' in ombud.icon("check")
    assert 'role="img" aria-label="Done"' in ombud.icon("check", label="Done")
    assert "sprite.svg#check" in ombud.icon("check")


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Olga Owner", "OO"), ("olga", "O"), ("olga@example.org", "O"), ("", "?"), ("A B C", "AC")],
)
def test_initials(name: str, letters: str):
    assert ombud.initials(name) == letters


def test_a_person_keeps_the_same_colour():
    assert ombud.hue("Olga Owner") == ombud.hue("Olga Owner")
    assert 0 <= ombud.hue("Vera") <= 7


def test_a_digest_is_shortened_without_its_algorithm():
    assert ombud.short("sha256:0123456789abcdef") == "0123456789ab"
    assert ombud.short("0123456789abcdef", 4) == "0123"


def test_a_time_carries_its_exact_moment():
    page = drawn("{% timestamp at %}", at=datetime(2025, 5, 5, 12, tzinfo=UTC))
    assert 'datetime="2025-05-05T12:00:00+00:00"' in page
    assert 'title="2025-05-05 12:00 UTC"' in page
    assert "ago</time>" in page


@pytest.mark.parametrize("at", [None, "", "yesterday", 5])
def test_no_time_is_never(at: object):
    assert "never" in drawn("{% timestamp at %}", at=at)


@pytest.mark.parametrize(
    ("value", "level"), [(None, "none"), (0.0, "0"), (0.5, "5"), (1.0, "9"), (7.0, "9"), (-1, "0")]
)
def test_heat_has_ten_levels(value: float | None, level: str):
    assert ombud.heat(value, 1.0) == level


def test_a_claim_shows_value_interval_and_sample_size():
    page = drawn(
        '{% include "components/claim.html" with value=v low=l high=h n=n only %}',
        v=0.712, l=0.698, h=0.726, n=12345,
    )  # fmt: skip
    assert "0.712" in page
    assert "(0.698–0.726)" in page
    assert "n = 12,345" in page


def test_a_claim_without_interval_is_a_number():
    page = drawn('{% include "components/claim.html" with value=v only %}', v=0.5)
    assert "0.500" in page
    assert "n =" not in page
    assert "(" not in page


def test_a_chart_of_unknown_kind_is_refused():
    with pytest.raises(TemplateSyntaxError, match="pie"):
        ombud.chart_table({"kind": "pie"})


def test_a_chart_cannot_close_its_own_data_block():
    chart = {"kind": "bar", "x": ["</script><script>alert(1)"], "series": [{"name": "n", "y": [1]}]}
    page = drawn(
        '{% include "components/chart.html" with id="c" chart=chart title="t" only %}', chart=chart
    )
    assert page.count("</script>") == 1
    assert "<script>alert" not in page


def test_a_page_link_keeps_the_filters():
    request = RequestFactory().get("/audit", {"q": "a b", "cursor": "old"})
    link = ombud.page_link(Context({"request": request}), "cursor", "new&x")
    assert link == "?q=a+b&cursor=new%26x"


def test_the_navigation_marks_the_section_and_counts_the_inbox():
    markup = '{% include "components/sidebar.html" %}'
    page = drawn(markup, nav="inbox", inbox_count=3)
    current = page.split('aria-current="page"')
    assert len(current) == 2
    assert "Inbox" in current[1][:400]
    assert '<span class="ob-count">3' in page
    assert "ob-count" not in drawn(markup, nav="audit", inbox_count=0)
