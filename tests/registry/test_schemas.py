"""What a schema may say, and that everything wrong with it is said at once."""

import pytest

from registry.schema_checks import parse
from registry.schemas import PredictionSchema, SchemaInvalid

ID = {"name": "prediction_id", "dtype": "string", "role": "id"}
TIME = {"name": "event_time", "dtype": "timestamp", "role": "timestamp"}
LATE = {"name": "late", "dtype": "boolean", "role": "prediction"}
SCORE = {"name": "probability", "dtype": "number", "role": "score", "minimum": 0, "maximum": 1}
WAS_LATE = {"name": "was_late", "dtype": "boolean", "role": "outcome"}
DISTANCE = {"name": "distance", "dtype": "number", "role": "feature", "minimum": 0, "unit": "miles"}
CARRIER = {"name": "carrier", "dtype": "string", "role": "feature", "categories": ["AA", "UA"]}
FLIGHT = [ID, TIME, DISTANCE, CARRIER, LATE, SCORE, WAS_LATE]


def test_a_flight_schema_is_accepted_and_its_fields_are_found_by_role():
    schema = parse(FLIGHT, task="binary")
    assert (schema.id.name, schema.timestamp.name) == ("prediction_id", "event_time")
    assert [field.name for field in schema.features] == ["distance", "carrier"]
    assert schema.prediction.positive_label == "1"
    assert schema.outcome is not None
    assert schema.outcome.name == "was_late"
    assert schema.latency is None
    assert not schema.id.nullable
    assert schema.by_name["distance"].nullable
    assert schema.by_name["distance"].is_numeric
    assert schema.by_name["carrier"].is_categorical
    assert "was_late" not in [field.name for field in schema.logged]


def test_a_stored_schema_is_the_same_schema():
    schema = parse(FLIGHT, task="binary")
    again = PredictionSchema.from_json(schema.as_json())
    assert again == schema
    assert again.digest == schema.digest
    assert parse(schema.as_json(), task="binary").digest == schema.digest
    assert parse(list(reversed(FLIGHT)), task="binary").digest != schema.digest


def test_the_digest_does_not_depend_on_how_a_number_is_written():
    assert (
        parse([*FLIGHT[:2], DISTANCE | {"minimum": 0.0}, *FLIGHT[3:]], task="binary").digest
        == parse(FLIGHT, task="binary").digest
    )


def test_a_regression_answers_with_numbers():
    minutes = {"name": "minutes", "dtype": "number", "role": "prediction"}
    schema = parse(
        [ID, TIME, minutes, minutes | {"name": "took", "role": "outcome"}], task="regression"
    )
    assert schema.prediction.is_numeric
    with pytest.raises(SchemaInvalid, match="answers with a number"):
        parse([ID, TIME, LATE], task="regression")


def test_a_binary_answer_of_whole_numbers_is_counted_as_two_classes():
    schema = parse([ID, TIME, LATE | {"dtype": "integer"}], task="binary")
    assert schema.prediction.categories == ("0", "1")
    assert schema.prediction.positive_label == "1"
    assert schema.prediction.is_categorical


def test_a_binary_answer_in_words_names_its_positive_label():
    answer = {"name": "answer", "dtype": "string", "role": "prediction"}
    words = answer | {"categories": ["granted", "denied"], "positive_label": "granted"}
    assert parse([ID, TIME, words], task="binary").prediction.positive_label == "granted"
    for spoilt in (answer, words | {"positive_label": ""}, words | {"positive_label": "perhaps"}):
        with pytest.raises(SchemaInvalid, match="positive_label"):
            parse([ID, TIME, spoilt], task="binary")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ([], "Send 1 to 1000 fields"),
        ({"fields": FLIGHT}, "Send a list of fields"),
        ([*FLIGHT, "late"], "Send a list of fields"),
        ([{"name": f"f{n}"} for n in range(1001)], "not 1001"),
        (FLIGHT[1:], "Exactly one field has the role id; 0 have it"),
        ([*FLIGHT, ID | {"name": "other"}], "Exactly one field has the role id; 2 have it"),
        ([*FLIGHT, TIME | {"name": "other"}], "role timestamp; 2 have it"),
        ([*FLIGHT, LATE | {"name": "other"}], "role prediction; 2 have it"),
        ([*FLIGHT, SCORE | {"name": "other"}], "A binary model has at most one score"),
        ([*FLIGHT, ID], "prediction_id: Another field has this name"),
        ([*FLIGHT, CARRIER | {"name": "Carrier"}], "Another field has this name"),
        (
            [*FLIGHT, DISTANCE | {"name": "cafe\u0301"}, DISTANCE | {"name": "caf\u00e9"}],
            "looks the same",
        ),
        ([*FLIGHT, DISTANCE | {"name": "a\u202eb"}], "control, invisible"),
        ([*FLIGHT, DISTANCE | {"name": "a\u200bb"}], "control, invisible"),
        ([*FLIGHT, DISTANCE | {"name": "a\x00b"}], "control, invisible"),
        ([*FLIGHT, DISTANCE | {"name": " a"}], "begin or end with a space"),
        ([*FLIGHT, DISTANCE | {"name": ""}], "field 8: Give it a name"),
        ([*FLIGHT, DISTANCE | {"name": "x" * 121}], "1 to 120 characters"),
        ([*FLIGHT, DISTANCE | {"name": "x", "dtype": "float"}], "dtype must be one of number"),
        ([*FLIGHT, DISTANCE | {"name": "x", "role": "label"}], "role must be one of id"),
        ([*FLIGHT, DISTANCE | {"name": "x", "range": [0, 1]}], "'range' is not known"),
        ([*FLIGHT, DISTANCE | {"name": "x", "minimum": "0"}], "minimum must be a finite number"),
        ([*FLIGHT, DISTANCE | {"name": "x", "maximum": 10**400}], "maximum must be a finite"),
        ([*FLIGHT, DISTANCE | {"name": "x", "maximum": float("inf")}], "maximum must be a finite"),
        ([*FLIGHT, DISTANCE | {"name": "x", "maximum": -1}], "minimum is greater"),
        ([*FLIGHT, CARRIER | {"name": "x", "minimum": 1}], "Only numbers have a minimum"),
        ([*FLIGHT, DISTANCE | {"name": "x", "categories": ["a"]}], "string and integer have"),
        ([*FLIGHT, CARRIER | {"name": "x", "categories": ["a", "a"]}], "'a' is named twice"),
        ([*FLIGHT, CARRIER | {"name": "x", "categories": "AA"}], "categories must be a list"),
        ([*FLIGHT, CARRIER | {"name": "x", "categories": list(range(1001))}], "At most 1000"),
        ([*FLIGHT, CARRIER | {"name": "x", "nullable": "no"}], "nullable must be true or false"),
        ([*FLIGHT, CARRIER | {"name": "x", "unit": 5}], "unit must be text"),
        ([ID | {"nullable": True}, *FLIGHT[1:]], "cannot be nullable"),
        ([ID | {"dtype": "integer"}, *FLIGHT[1:]], "role id has the dtype string"),
        ([*FLIGHT, CARRIER | {"name": "a=b", "role": "segment"}], "may not hold the sign"),
        ([*FLIGHT[:-1], WAS_LATE | {"dtype": "number"}], "answers with a class"),
        ([*FLIGHT, DISTANCE | {"name": "x", "positive_label": "1"}], "Only a prediction"),
        ([*FLIGHT, DISTANCE | {"name": "x", "label": "late"}], "Only a score has a label"),
        ([*FLIGHT, CARRIER | {"name": "x", "pattern": "["}], "no regular expression"),
        ([*FLIGHT, CARRIER | {"name": "x", "pattern": "(a)\\1"}], "no regular expression"),
        ([*FLIGHT, DISTANCE | {"name": "x", "pattern": "a"}], "Only the dtype string has a pat"),
        ([*FLIGHT, DISTANCE | {"name": "x", "component": "y" * 41}], "component must be text"),
        ([*FLIGHT, LATE | {"name": "x", "role": "exploration"}, TIME], "looks the same"),
        ([*FLIGHT, CARRIER | {"name": "x", "role": "exploration"}], "exploration has the dtype"),
    ],
)
def test_a_wrong_schema_is_refused_with_a_sentence(fields, sentence):
    with pytest.raises(SchemaInvalid, match=sentence):
        parse(fields, task="binary")


def test_everything_wrong_is_said_at_once():
    with pytest.raises(SchemaInvalid) as refusal:
        parse([TIME, TIME, DISTANCE | {"maximum": -1}, LATE], task="binary")
    said = {(problem.field, problem.message[:20]) for problem in refusal.value.problems}
    assert ("distance", "The minimum is great") in said
    assert ("event_time", "Another field has th") in said
    assert ("", "Exactly one field ha") in said


def test_a_multiclass_model_names_its_classes():
    kind = {"name": "kind", "dtype": "string", "role": "prediction"}
    with pytest.raises(SchemaInvalid, match="Name the classes"):
        parse([ID, TIME, kind], task="multiclass")
    three = kind | {"categories": ["a", "b", "c"]}
    true = three | {"name": "was", "role": "outcome", "categories": ["a", "b", "d"]}
    with pytest.raises(SchemaInvalid, match="categories differ from the prediction's"):
        parse([ID, TIME, three, true], task="multiclass")


def test_a_multiclass_model_scores_every_class_or_none():
    kind = {"name": "kind", "dtype": "string", "role": "prediction", "categories": ["a", "b", "c"]}
    scores = [SCORE | {"name": f"p_{label}", "label": label} for label in ("a", "b", "c")]
    schema = parse([ID, TIME, kind, *scores], task="multiclass")
    assert [score.label for score in schema.scores] == ["a", "b", "c"]
    assert PredictionSchema.from_json(schema.as_json()) == schema
    for wrong in (scores[:2], [*scores, SCORE | {"label": "a"}], [SCORE]):
        with pytest.raises(SchemaInvalid, match="Give every class one score"):
            parse([ID, TIME, kind, *wrong], task="multiclass")


def test_a_field_says_its_pattern_its_component_and_what_it_was_derived_from():
    code = CARRIER | {"name": "gate", "categories": [], "pattern": "[A-Z][0-9]{1,3}"}
    light = DISTANCE | {"name": "brightness", "source": "photo", "component": "camera"}
    schema = parse([*FLIGHT, code, light], task="binary")
    assert schema.by_name["gate"].pattern == "[A-Z][0-9]{1,3}"
    assert (schema.by_name["brightness"].source, schema.by_name["brightness"].component) == (
        "photo",
        "camera",
    )
    assert PredictionSchema.from_json(schema.as_json()) == schema
