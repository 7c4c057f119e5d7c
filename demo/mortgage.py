"""`mortgage-approval`: should this application be granted? Nothing in it says race or sex.

Half of the applications train it, and all of them are scored in their order: the groups are small
as it is (111 and 197), and the question asked here is of decisions, not of accuracy.
"""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from demo.data import mortgages
from demo.fields import Field, identity, moment, number
from demo.replay import Replay, outcomes_of, table, until
from demo.training import SEED, Trained, importances, one_thread, split

MODEL = "mortgage-approval"
THRESHOLD = 0.85
LENIENT_THRESHOLD = 0.50
RACES = ("white", "hispanic", "black")
WEEKS = 40

FIELDS = (
    number("housing_share", 0, 100, unit="% of income"),
    number("debt_share", 0, 100, unit="% of income"),
    number("loan_to_price", 0, 10),
    number("unemployment", 0, 100, unit="% in the applicant's industry"),
    number("schooling", 0, 1, unit="1 is more than 12 years"),
    number("cosigner", 0, 1),
    number("credit_history", 0, 1, unit="1 meets the guidelines"),
    number("public_record", 0, 1, unit="1 has one"),
    number("late_once_or_twice", 0, 1),
    number("late_more_often", 0, 1),
    number("consumer_credit", 0, 10, unit="1 is best, 6 is worst"),
    number("self_employed", 0, 1),
    number("income", 0, 10_000, unit="thousand dollars"),
    number("loan", 0, 10_000, unit="thousand dollars"),
)
SOURCES = [
    *("hrat", "obrat", "loanprc", "unem", "sch", "cosign", "chist", "pubrec"),
    *("mortlat1", "mortlat2", "cons", "self", "appinc", "loanamt"),
]
FEATURES = tuple(one.name for one in FIELDS)


def train(threshold: float = THRESHOLD, label: str = "1") -> Trained:
    """The same regression whatever the threshold: only who is granted differs."""
    from sklearn.metrics import roc_auc_score

    rows = applications()
    training, held_out = split(rows, 0.5)
    estimator = _logistic_regression()
    with one_thread():
        estimator.fit(training[list(FEATURES)], training["approved"].astype("int64"))
    log = log_of(estimator, held_out, threshold)
    log["event_time"] = pd.Timestamp("1990-01-01", tz="UTC")
    return Trained(
        model=MODEL,
        label=label,
        task="binary",
        description=(
            "Logistic regression on the application, without race, sex or marriage; grants from "
            f"a chance of {threshold:.0%} on."
        ),
        estimator=estimator,
        features=FEATURES,
        fields=fields(),
        reference=table(log),
        metrics={
            "auc": float(roc_auc_score(log["granted"].astype("int64"), log["score"])),
            **importances(
                estimator,
                held_out[list(FEATURES)],
                held_out["approved"].astype("int64"),
                "roc_auc",
            ),
        },
        training_rows=len(training),
        example=training[list(FEATURES)].head(5),
        threshold=threshold,
        params={"seed": str(SEED), "threshold": str(threshold)},
    )


def applications() -> pd.DataFrame:
    """The columns under names that people understand."""
    raw = mortgages()
    found = raw[SOURCES].astype("float64").set_axis(FEATURES, axis="columns")
    found["race"] = raw["race"]
    found["approved"] = raw["approved"]
    found["application_id"] = [f"mo-{row:04d}" for row in range(len(raw))]
    return found


def log_of(estimator: Any, rows: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """The prediction log of these applications, with the bank's decision beside it."""
    log = pd.DataFrame({"prediction_id": rows["application_id"]})
    for name in FEATURES:
        log[name] = rows[name]
    log["race"] = rows["race"]
    with one_thread():
        log["score"] = estimator.predict_proba(rows[list(FEATURES)])[:, 1]
    log["approve"] = (log["score"] >= threshold).astype("int64")
    log["granted"] = rows["approved"].astype("Int64")
    return log


def production(trained: Trained, *, now: datetime) -> Replay:
    """All applications in their order, spread evenly over the last forty weeks."""
    rows = applications()
    log = log_of(trained.estimator, rows, trained.threshold or THRESHOLD)
    step = timedelta(weeks=WEEKS) / len(rows)
    ago = pd.to_timedelta([step * left for left in range(len(rows), 0, -1)])
    log["event_time"] = (pd.Timestamp(now) - ago).floor("s")
    outcomes = table(outcomes_of(log, "granted", seed=SEED + 2))
    return Replay(
        predictions=table(log.drop(columns="granted")),
        outcomes=until(now, outcomes, "outcome_time"),
    )


def fields() -> tuple[Field, ...]:
    return (
        identity(),
        moment(),
        *FIELDS,
        Field("race", "string", "group", categories=RACES),
        Field("approve", "integer", "prediction", categories=("0", "1"), positive="1"),
        Field("score", "number", "score", 0, 1),
        Field("granted", "integer", "outcome", categories=("0", "1"), positive="1"),
    )


def _logistic_regression() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
