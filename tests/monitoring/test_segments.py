"""A segment beside all rows: counted from its profiles, over the API and on every dashboard."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring.models import Monitor
from monitoring.reads.dashboards.segments import beside_of, segments_of
from tests.monitoring import counted
from tests.monitoring.counted import END, WEEK

pytestmark = pytest.mark.django_db
WINDOW = (END - WEEK, END)
BOARDS = ("performance", "drift", "fairness", "calibration", "operations", "value")
TABLES = tuple(board for board in BOARDS if board != "calibration")
PAGE, API = "/monitoring/flight-delay", "/api/v1/models/flight-delay/dashboards"
JFK = "segment=origin%3DJFK"


@pytest.fixture
def version(model):
    return counted.make_version(model)


@pytest.fixture
def week(robot, model, version):
    """The rows of a week, counted; every dashboard has a monitor."""
    found = counted.send_week(robot, model, version)
    counted.watch(model, version)
    return found


def numbers(version, board, segment="origin=JFK"):
    found = beside_of(version, board=board, segment=segment, window=WINDOW)
    return found, {(pair.metric, pair.field): pair for pair in found.pairs}


def test_every_counted_segment_is_known_in_two_queries(version, week, django_assert_num_queries):
    with django_assert_num_queries(2):
        found = segments_of(version.pk)
    assert found == (
        "explored=0",
        "explored=1",
        "origin=EWR",
        "origin=JFK",
        "origin=LGA",
        "sex=F",
        "sex=M",
    )


def test_the_numbers_of_a_segment_are_those_of_its_rows(version, week):
    found, pairs = numbers(version, "performance")
    own = [row for row in week if row["origin"] == "JFK"]
    assert (found.rows, found.all_rows, found.labelled) == (len(own), len(week), len(own))
    right = sum(row["late"] == row["was_late"] for row in own) / len(own)
    accuracy = pairs["accuracy", ""]
    assert accuracy.own.value == pytest.approx(right)
    assert accuracy.own.n == len(own)
    assert accuracy.own.high < accuracy.all_rows.low, "JFK is predicted by chance"


def test_drift_of_a_segment_is_held_against_the_same_rows_of_the_reference(version, week):
    _, pairs = numbers(version, "drift")
    jfk = pairs["psi", "temperature"]
    assert jfk.own.value > 1
    assert jfk.own.value > jfk.all_rows.value
    _, pairs = numbers(version, "drift", "origin=EWR")
    assert pairs["psi", "temperature"].own.value < 0.2


def test_operations_value_and_groups_of_a_segment(version, week):
    _, pairs = numbers(version, "operations")
    assert pairs["error_rate", ""].own.low > pairs["error_rate", ""].all_rows.high
    assert pairs["latency_p95", ""].own.value > 290
    _, pairs = numbers(version, "value")
    assert pairs["value_per_decision", ""].own.value == pytest.approx(10, abs=0.5)
    _, pairs = numbers(version, "fairness")
    assert {field for metric, field in pairs if metric == "selection_rate"} >= {
        "sex = F",
        "sex = M",
    }


def test_a_segment_without_rows_in_the_window_is_no_error(version, week):
    found = beside_of(
        version, board="performance", segment="origin=JFK", window=(END + WEEK, END + 2 * WEEK)
    )
    assert (found.rows, found.all_rows) == (0, 0)
    for board in TABLES:
        assert beside_of(version, board=board, segment="origin=JFK", window=WINDOW) is not None
        assert beside_of(version, board=board, segment="origin=JFK", window=None) is None


def test_every_page_offers_segments_and_keeps_the_chosen_one(signed_in, olga, week):
    client = signed_in(olga)
    for board in BOARDS:
        offers_segments(client, board)


def offers_segments(client, board):
    html = " ".join(client.get(f"{PAGE}/{board}").content.decode().split())
    assert '<option value="origin=JFK" >origin = JFK</option>' in html
    assert "beside all rows" not in html
    html = client.get(f"{PAGE}/{board}?{JFK}&period=4w").content.decode()
    html = " ".join(html.split())
    assert '<option value="origin=JFK" selected>origin = JFK</option>' in html
    assert '<input type="hidden" name="period" value="4w">' in html
    other = "drift" if board != "drift" else "value"
    assert f'href="{PAGE}/{other}?period=4w&amp;version=1&amp;segment=origin%3DJFK"' in html
    assert ("origin = JFK beside all rows" in html) == (board in TABLES)
    assert "No monitor watches these rows over time" in html
    assert "segment=origin%3DJFK" in html.split("monitor-new")[0]


def test_a_monitor_of_the_segment_is_shown_over_time(signed_in, olga, model, version, week):
    own = Monitor.objects.create(
        model=model,
        name="JFK",
        kind="performance",
        metric="roc_auc",
        segments=["origin=JFK"],
        breach=0.1,
    )
    counted.evaluated(own, version, segment="origin=JFK")
    html = signed_in(olga).get(f"{PAGE}/performance?{JFK}").content.decode()
    assert "No monitor watches these rows over time" not in html
    assert f'href="/monitors/{own.pk}"' in html
    assert f'href="/monitors/{Monitor.objects.get(name="All performance").pk}"' not in html


def test_pictures_are_of_the_segment(signed_in, olga, week):
    client = signed_in(olga)
    own = sum(row["origin"] == "JFK" for row in week)
    html = client.get(f"{PAGE}/drift?{JFK}&field=temperature").content.decode()
    assert f"{own:,} rows, 3,000 in the reference" in html
    html = client.get(f"{PAGE}/calibration?{JFK}").content.decode()
    assert f"{own:,} predictions with an outcome" in html


def test_an_unknown_segment_shows_all_rows_and_says_so(signed_in, olga, week):
    html = signed_in(olga).get(f"{PAGE}/performance?segment=origin%3DXXX").content.decode()
    assert "No such segment" in html
    assert "beside all rows" not in html
    assert 'data-chart="chart-' in html


def test_the_api_names_the_segments_where_one_is_unknown(signed_in, olga, week):
    client = signed_in(olga)
    for board in (*BOARDS, "distribution"):
        answer = client.get(f"{API}/{board}?segment=origin%3DXXX&field=carrier")
        assert answer.status_code == 400
        assert answer.headers["Content-Type"] == "application/problem+json"
        found = answer.json()
        assert found["code"] == "unknown_segment"
        assert "origin=EWR, origin=JFK, origin=LGA" in found["detail"]
        assert "origin=JFK" in found["segments"]


def test_the_api_answers_a_segment_beside_all_rows(signed_in, olga, week):
    client = signed_in(olga)
    for board in TABLES:
        assert client.get(f"{API}/{board}").json()["in_segment"] is None
        beside = client.get(f"{API}/{board}?{JFK}").json()["in_segment"]
        assert (beside["segment"], beside["all_rows"]) == ("origin=JFK", 900)
        assert all(one["value"] is not None and one["n"] >= 0 for one in beside["numbers"])
    found = client.get(f"{API}/calibration?{JFK}").json()
    assert found["curve"]["n"] == sum(row["origin"] == "JFK" for row in week)


def test_a_segment_asks_as_often_for_thirty_weeks_as_for_two(signed_in, olga, model, version, week):
    client = signed_in(olga)
    addresses = [f"{PAGE}/{board}?{JFK}" for board in BOARDS]
    addresses += [f"{API}/{board}?{JFK}" for board in BOARDS]
    [client.get(address) for address in addresses]
    few = [asked(client, address) for address in addresses]
    for monitor in Monitor.objects.all():
        for back in range(2, 30):
            counted.evaluated(monitor, version, weeks_ago=back)
    many = [asked(client, address) for address in addresses]
    assert many == few
    assert max(few) <= 22


def asked(client, address):
    with CaptureQueriesContext(connection) as caught:
        assert client.get(address).status_code == 200
    return len(caught)
