"""The table of measures: differences are judged, nothing is left out, links lead somewhere."""

import math
import re
from pathlib import Path

import pytest

from benchmarks.agreement import __main__ as command
from benchmarks.agreement import distances, report
from benchmarks.agreement.catalogue import MEASURES, Measure
from benchmarks.agreement.seen import Seen, bound_of, near, same, within
from monitoring.stats import stability
from monitoring.stats.findings import Finding
from monitoring.stats.verdict import DEFAULT_THRESHOLDS

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "statistics.md").read_text()


@pytest.fixture(scope="module")
def seen():
    return command.everything()


def test_every_measure_agrees_with_its_oracle(seen):
    assert {one.measure for one in seen if not one.kept} == set()
    assert max(one.largest for one in seen if one.kind == "same") < 1e-9
    assert sum(one.cases for one in seen) > 100_000


def test_equal_seeds_give_the_same_table(seen):
    again = report.tabled(MEASURES, command.everything())
    assert again == report.tabled(MEASURES, seen)


def test_the_page_names_every_measure_and_comparison_of_the_command(seen):
    table = report.tabled(MEASURES, seen)
    written = PAGE.split(report.BEGIN)[1].split(report.END)[0]
    names = re.compile(r"^\| \*\*(.+?)\*\*", re.MULTILINE)
    assert names.findall(written) == names.findall(table)
    rows = [line for line in written.splitlines() if line.startswith("| ")]
    assert len(rows) == len(table.splitlines())


def test_every_measure_names_code_tests_and_what_it_was_held_against():
    for measure in MEASURES:
        assert (PROJECT / report.CODE / f"{measure.module}.py").is_file(), measure
        assert (PROJECT / report.TESTS / f"{measure.test}.py").is_file(), measure
        assert measure.compared or measure.beside, measure
        assert measure.definition, measure
        assert measure.source, measure


def test_no_measure_is_named_twice():
    names = [measure.name for measure in MEASURES]
    assert len(names) == len(set(names))


def test_every_measure_with_a_threshold_and_every_distance_is_in_the_table():
    said = " ".join(" ".join((one.name, one.definition, *one.compared)) for one in MEASURES)
    words = set(re.findall(r"\w+", said))
    assert {*stability.MEASURES, *DEFAULT_THRESHOLDS} <= words


def test_a_difference_beyond_what_was_allowed_is_not_kept():
    assert same("m", "o", [(1.0, 1.0 + 1e-12)]).kept
    assert not same("m", "o", [(1.0, 1.0), (1.0, 1.0 + 1e-8)]).kept
    assert same("m", "o", [(1e9, 1e9 + 1e-3)], relative=True).kept
    assert near("m", "o", [(0.5, 0.51)], 0.02).kept
    assert not near("m", "o", [(0.5, 0.53)], 0.02).kept


def test_every_case_is_judged_by_its_own_bound():
    found = within("m", "o", [(0.5, 0.5, 0.0), (1.0, 1.05, 0.1), (2.0, 2.2, 1.0)])
    assert (found.cases, found.largest) == (3, pytest.approx(0.2))
    assert found.used == pytest.approx(0.5)
    assert not within("m", "o", [(0.0, 0.0, 1.0), (0.5, 0.6, 0.05)]).kept


def test_a_measure_without_a_value_or_without_cases_does_not_agree():
    assert not same("m", "o", [(None, 0.0)]).kept
    assert not same("m", "o", [(0.0, math.nan)]).kept
    assert not same("m", "o", []).kept


def test_a_finding_without_its_bound_is_refused():
    assert bound_of(Finding("m", 1.0, 1, parameters={"bin_bound": 0.1})) == 0.1
    with pytest.raises(ValueError, match="reports no bin_bound"):
        bound_of(Finding("m", 1.0, 1, parameters={"bin_bound": None}))


def test_what_the_catalogue_does_not_name_is_refused():
    known = Measure("m", "f", ("m",), source="s", module="stability", test="test_stability")
    one = Seen("m", "SciPy", 1, 0.0, 1e-9, 0.0)
    assert "**m**" in report.tabled([known], [one])
    with pytest.raises(ValueError, match="does not name"):
        report.tabled([], [one])
    with pytest.raises(ValueError, match="were not made"):
        report.tabled([known], [])


def test_a_broken_measure_stands_out_and_is_named():
    known = Measure("m", "f", ("m",), source="s", module="stability", test="test_stability")
    broken = Seen("m", "SciPy", 2, 0.5, 1e-9, 5e8)
    assert "**5.0e-01**" in report.tabled([known], [broken])
    assert "Broken: m." in report.summary([broken])


def test_only_the_part_between_the_markers_is_written_anew():
    page = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    made = report.written(page, "new")
    assert made == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"
    assert report.written(made, "new") == made
    with pytest.raises(ValueError, match="no place"):
        report.written("nothing here", "new")


def test_the_links_of_the_page_lead_to_files():
    links = set(re.findall(r"\]\(([^)#]+)\)", PAGE))
    assert len(links) > 50
    assert [link for link in links if not (PROJECT / "docs" / link).is_file()] == []


def test_the_command_exits_with_one_where_a_measure_is_broken(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["agreement"])
    monkeypatch.setattr(command, "MEASURES", [Measure("m", "f", ("m",), module="x", test="y")])
    for largest, code in ((0.0, 0), (1.0, 1)):
        one = Seen("m", "SciPy", 1, largest, 1e-9, largest / 1e-9)
        monkeypatch.setattr(command, "everything", lambda one=one: [one])
        assert command.main() == code
    assert "| **m** |" in capsys.readouterr().out


@pytest.mark.parametrize("measure", ["psi", "hellinger", "l_infinity"])
def test_a_planted_wrong_formula_is_caught(monkeypatch, measure):
    right = stability.DISTANCES[measure]
    monkeypatch.setitem(stability.DISTANCES, measure, lambda p, q: right(p, q) * (1 + 1e-6))
    broken = {one.measure for one in distances.compared() if not one.kept}
    assert measure in broken
    assert broken <= {measure}
