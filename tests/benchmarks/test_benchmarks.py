"""The parts of the benchmarks that need no clock: data, tables, pages."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import comparison, datasets, growth, ingestion, markdown, report
from benchmarks.children import Cost, Failed, run
from benchmarks.environments import LISTS, PEERS
from monitoring.gateways.parquet import read_parquet, written


def test_the_same_rows_are_drawn_again():
    for made in (datasets.features, datasets.decisions):
        assert next(made(500, side="current")).equals(next(made(500, side="current")))
        assert not next(made(500, side="current")).equals(next(made(500, side="reference")))


def test_chunks_add_up_to_the_rows_asked_for_in_the_order_of_time(tmp_path):
    rows = datasets.CHUNK + 7
    path = datasets.write(tmp_path / "made.parquet", datasets.decisions(rows, side="reference"))
    at = pq.read_table(path)["at"].to_numpy()
    assert len(at) == rows
    assert (at[1:] >= at[:-1]).all()
    assert (at[-1] - at[0]).astype("timedelta64[D]").astype(int) == datasets.DAYS - 1


def test_every_field_of_the_drift_report_is_drawn():
    table = next(datasets.features(50, side="reference"))
    assert table.column_names == datasets.numeric_names() + datasets.category_names()
    assert all(table[name].null_count == 0 for name in table.column_names)


def test_a_table_is_written_as_markdown():
    made = markdown.table(("work", "time"), [("a|b", markdown.seconds(0.0123))])
    assert made == "| work | time |\n| --- | --- |\n| a\\|b | 12.3 ms |"


def test_a_row_of_another_width_is_refused():
    with pytest.raises(ValueError, match="1 cells, the table 2 columns"):
        markdown.table(("work", "time"), [("alone",)])


def test_a_part_of_a_page_is_written_anew_and_the_rest_stays():
    page = "# Benchmarks\n\nAnswers.\n"
    once = report.written(page, "growth", "old")
    twice = report.written(once, "growth", "new")
    assert once.startswith("# Benchmarks\n\nAnswers.\n\n<!-- growth")
    assert twice == once.replace("old", "new")


def test_amounts_are_written_with_their_unit():
    assert [markdown.seconds(value) for value in (0.0078, 0.741, 38.71, 102.5)] == [
        "7.8 ms",
        "0.741 s",
        "38.7 s",
        "102 s",
    ]
    assert markdown.times(51.7) == "52 ×"
    assert markdown.mebibytes(2 * 2**20) == "2 MiB"


def test_costs_are_compared_as_ratios():
    row = comparison.Row(
        "drift", Cost(0.5, 1, 2**20, {}), "peer", Cost(30, 31, 2**22, {}), "≤ 1 s", reached=True
    )
    assert row.cells()[3:7] == ("30 s", "60 ×", "4 MiB", "4.0 ×")


def test_the_largest_gap_of_numbers_by_name_is_found():
    assert comparison.largest_gap({"a": [1.0, 2.0]}, {"a": [1.0, 2.5]}) == 0.5
    with pytest.raises(ValueError, match="shorter"):
        comparison.largest_gap({"a": [1.0, 2.0]}, {"a": [1.0]})


def test_growth_is_the_power_of_the_size():
    points = [{"size": 10, "judge": 1.0}, {"size": 100, "judge": 10.0}]
    assert growth.slope(points[0], points[1], "judge") == pytest.approx(1)
    assert growth.slope(points[0], {"size": 100, "judge": 1.0}, "judge") == 0


def test_a_command_that_fails_is_told_with_its_last_words():
    with pytest.raises(Failed, match="no such thing"):
        run(["python3", "-c", "raise SystemExit('no such thing')"])


def test_a_command_is_charged_for_its_work():
    done = run(["python3", "-c", "sum(range(3_000_000)); print('{\"work\": 0.25}')"])
    assert done.work == 0.25
    assert done.whole > 0
    assert done.memory > 2**20


def test_every_peer_is_pinned_package_by_package():
    for peer in PEERS:
        lines = (LISTS / f"{peer}.txt").read_text().split()
        assert all("==" in line for line in lines)
        assert any(line.startswith(f"{peer}==") for line in lines)


@pytest.mark.parametrize("kind", list(ingestion.FORMATS))
def test_every_format_brings_the_same_rows(kind):
    table, fields = ingestion.batch(200, 5)
    taken = ingestion.taken(ingestion.body(table, kind), kind, fields)
    assert taken.sort_by("id").to_pylist() == table.sort_by("id").to_pylist()


def test_only_columns_whose_values_repeat_get_a_dictionary():
    table = pa.table({"id": [str(n) for n in range(5_000)], "carrier": ["AA", "UA"] * 2_500})
    footer = pq.ParquetFile(pa.BufferReader(written(table))).metadata.row_group(0)
    assert not footer.column(0).has_dictionary_page
    assert footer.column(1).has_dictionary_page


def test_repeated_and_different_texts_are_read_as_they_were_sent():
    table = pa.table({"id": [str(n) for n in range(5_000)], "carrier": ["AA" * 50] * 5_000})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    read = read_parquet(sink.getvalue().to_pybytes())
    assert pa.types.is_string(read["id"].type)
    assert pa.types.is_dictionary(read["carrier"].type)
    assert read["carrier"].cast(pa.string()).to_pylist() == table["carrier"].to_pylist()
    assert read["id"].to_pylist() == table["id"].to_pylist()
