"""Numbers, sizes and times as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from config.templatetags import formats, words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345, "12,345"),
        (-12345, "−12,345"),
        (0, "0"),
        (0.0, "0"),
        (0.71234, "0.712"),
        (0.0501, "0.050"),
        (0.00312, "0.0031"),
        (0.00012, "0.00012"),
        (0.00000123, "1.23e-6"),
        (1234.6, "1,235"),
        (3.14159, "3.14"),
        (-0.5, "−0.500"),
        ("0.25", "0.250"),
        (None, "–"),
        ("", "–"),
        ("many", "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
    ],
)
def test_a_number_has_sensible_digits(value: object, text: str):
    assert formats.number(value) == text


def test_a_difference_shows_its_sign():
    assert formats.signed(0.0123) == "+0.012"
    assert formats.signed(-0.3) == "−0.300"
    assert formats.signed(0.0) == "0"


def test_a_share_is_a_percentage():
    assert formats.percent(0.1234) == "12.3\u202f%"
    assert formats.percent(None) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (123_456_789, "123.5 MB"), (None, "–")],
)
def test_bytes_are_in_decimal_units(value: object, text: str):
    assert formats.bytesize(value).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.25, "250 ms"),
        (5400, "1 h 30 min"),
        (timedelta(days=2, hours=3, minutes=4), "2 d 3 h"),
        (60, "1 min"),
        (None, "–"),
    ],
)
def test_a_duration_is_in_its_two_largest_units(value: object, text: str):
    assert formats.duration(value) == text


def test_a_measure_is_shown_in_its_unit():
    assert formats.measured(0.5, "share") == "50.0\u202f%"
    assert formats.measured(12, "ms") == "12\u00a0ms"
    assert formats.measured(0.712) == "0.712"
    assert formats.measured(None, "ms") == "–"


def test_an_interval_shows_both_ends_or_nothing():
    assert formats.interval(0.698, 0.726) == "(0.698–0.726)"
    assert formats.interval(0.698, None) == ""


NOW = datetime(2025, 5, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=-20), "in a moment"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=-30), "in 30 days"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_a_time_is_said_in_its_largest_unit(delta: timedelta, text: str):
    assert formats.ago(NOW - delta, NOW) == text


def test_the_exact_time_is_utc_whatever_its_zone():
    zone = datetime.fromisoformat("2025-05-05T14:30:00+02:00")
    assert formats.utc(zone) == "2025-05-05 12:30 UTC"


def test_a_sparkline_breaks_at_a_gap_and_stays_in_its_box():
    drawn = formats.spark([1.0, 2.0, None, 4.0, 3.0], threshold=5.0)
    assert len(drawn["lines"]) == 2
    for line in drawn["lines"]:
        for point in line.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= formats.WIDTH
            assert 0 <= y <= formats.HEIGHT
    assert drawn["threshold_y"] == formats.EDGE  # the highest thing on it


@pytest.mark.parametrize("values", [[], [None], [1.0], [2.0, 2.0]])
def test_a_sparkline_of_little_does_not_break(values: list[float | None]):
    assert isinstance(formats.spark(values)["lines"], list)


def test_a_line_chart_has_its_table():
    chart = {
        "kind": "line",
        "x": ["w1", "w2"],
        "series": [
            {"name": "PSI", "y": [0.1, None], "low": [0.05, None], "high": [0.15, None],
             "verdicts": ["ok", "insufficient_data"]},
        ],
    }  # fmt: skip
    table = formats.CHART_TABLES["line"](chart)
    assert table["head"] == ["Window", "PSI", "Interval", "Verdict"]
    assert table["rows"] == [
        ["w1", "0.100", "(0.050–0.150)", "ok"],
        ["w2", "–", "–", "insufficient data"],
    ]


def test_a_bar_chart_of_shares_has_percentages_in_its_table():
    chart = {
        "kind": "bar",
        "unit": "share",
        "x_label": "Carrier",
        "x": ["AA"],
        "series": [{"name": "Reference", "y": [0.5]}, {"name": "Window", "y": [0.25]}],
    }
    table = formats.CHART_TABLES["bar"](chart)
    assert table["head"] == ["Carrier", "Reference", "Window"]
    assert table["rows"] == [["AA", "50.0\u202f%", "25.0\u202f%"]]


def test_an_unknown_word_looks_unknown_and_never_like_a_good_one():
    assert words.tone_of("brand new", "verdict") == "unknown"
    assert words.icon_of("ok", "no such family") == "circle"
    assert words.spoken("insufficient_data") == "insufficient data"
    assert words.spoken(None) == ""


def test_stays_are_cut_at_the_ends_of_the_period_and_share_lanes():
    start = NOW - timedelta(days=100)
    stays = [
        {
            "label": "Version 1",
            "since": NOW - timedelta(days=150),
            "until": NOW - timedelta(days=50),
        },
        {"label": "Version 2", "since": NOW - timedelta(days=50), "until": None},
        {"label": "Version 1", "since": NOW - timedelta(days=10), "until": None},
        {
            "label": "Version 0",
            "since": NOW - timedelta(days=400),
            "until": start - timedelta(days=1),
        },
    ]
    drawn = formats.lanes(stays, start, NOW)
    assert [row["label"] for row in drawn["rows"]] == ["Version 1", "Version 2", "Version 0"]
    assert [(bar["x"], bar["width"]) for bar in drawn["bars"]] == [(0, 500), (500, 500), (900, 100)]
    assert drawn["bars"][0]["y"] == drawn["bars"][2]["y"] != drawn["bars"][1]["y"]
