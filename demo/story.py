"""The story: ten months of flights, an incident in April, a successor that waits for Rita.

Everything goes through the public API, as a team's own scripts would do it; only training speaks to
MLflow directly, as training does.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from demo import (
    air_time,
    cards,
    discussion,
    flight_delay,
    house_rules,
    mortgage,
    retirement,
    retraining,
)
from demo.cast import Cast
from demo.client import Client, version_path
from demo.replay import HORIZON_HOURS, Batch, Replay, batches
from demo.training import publish, publish_run

FLIGHT_DELAY, MORTGAGE, AIR_TIME = "flight-delay", "mortgage-approval", "air-time"
LENIENT = "mortgage-approval at a half"
AIR_TIME_SHARE = 4  # every fourth flight is enough for the second model on the same flights
SENDERS = 2
LONGER = {"window_hours": 8 * 168, "every_hours": 4 * 168}
PRODUCTION = {"environment": "production", "role": "champion"}

MODELS: dict[str, dict[str, Any]] = {
    FLIGHT_DELAY: {
        "name": "Flight delay",
        "team": "flight-operations",
        "task": "binary",
        "risk_tier": "medium",
        "purpose": "Warns before departure that a flight will arrive more than 15 minutes late.",
        "kpis": ["Two of three late flights are announced", "At most three warnings in ten"],
    },
    AIR_TIME: {
        "name": "Air time",
        "team": "flight-operations",
        "task": "regression",
        "risk_tier": "low",
        "purpose": "Predicts the minutes a flight will be in the air.",
        "kpis": ["Mean absolute error below 10 minutes"],
    },
    MORTGAGE: {
        "name": "Mortgage approval",
        "team": "lending",
        "task": "binary",
        "risk_tier": "high",
        "purpose": "Proposes which mortgage applications can be approved without a second look.",
        "kpis": ["Selection rates of all groups above four fifths of the highest"],
    },
}


def train(cast: Cast) -> str:
    """Fit every version and register all but the oldest in MLflow."""
    made = {
        "v0": flight_delay.train_v0(),
        "v1": flight_delay.train_v1(),
        AIR_TIME: air_time.train(),
        MORTGAGE: mortgage.train(),
        LENIENT: mortgage.train(mortgage.LENIENT_THRESHOLD, "2"),
    }
    cast.trained.update(made)
    for key, trained in made.items():
        put = publish_run if key == "v0" else publish
        cast.published[key] = put(trained, tracking_uri=cast.mlflow)
    return f"{len(made)} versions trained on {sum(t.training_rows for t in made.values()):,} rows"


def register(cast: Cast) -> str:
    """Olga registers models and versions with schema, reference and card."""
    olga = cast.olga
    for slug, facts in MODELS.items():
        body = {"slug": slug, "mlflow_name": slug, "outcome_horizon_hours": HORIZON_HOURS, **facts}
        olga.post("/models", body)
    _register_version(cast, FLIGHT_DELAY, "v0", 0)
    _register_version(cast, FLIGHT_DELAY, "v1", 1)
    _register_version(cast, AIR_TIME, AIR_TIME, 1)
    _register_version(cast, MORTGAGE, MORTGAGE, 1)
    _register_version(cast, MORTGAGE, LENIENT, 2)
    for slug in MODELS:
        cast.watched(slug)
        purposes = ["credit"] if slug == MORTGAGE else ["operations"]
        olga.put(f"/models/{slug}/scope", {"jurisdictions": ["US"], "purposes": purposes})
    _watch_longer(cast, MORTGAGE)
    return "3 models, 5 versions, every file of theirs hashed"


def set_rules(cast: Cast) -> str:
    """Promotions of medium risk in two rounds, and a guideline answered for version 1."""
    house_rules.two_rounds(cast)
    house_rules.write_guideline(cast)
    house_rules.answer_guideline(cast, FLIGHT_DELAY, 1)
    return "Rosa signed Anna's policy, Rita put Olga's guideline in force"


def serve_first(cast: Cast) -> str:
    """Version 0 serves, then version 1 takes its place; the other two models serve too."""
    for model, version, signers in (
        (FLIGHT_DELAY, 0, ("vera", "rita")),
        (FLIGHT_DELAY, 1, ("vera", "rita")),
        (AIR_TIME, 1, ("rita",)),
    ):
        _approve(cast, "promote", model, version, signers, "It meets its targets.", **PRODUCTION)
    return "flight-delay 1 and air-time 1 serve"


def decide_fairly(cast: Cast) -> str:
    """At .85 the four-fifths rule is broken, and the promotion is blocked; at .50 it is kept, and
    as the groups are small, under a condition."""
    problem = cast.refused("promote", MORTGAGE, 1, "It meets its targets.", **PRODUCTION)
    failed = [gate["gate"] for gate in problem["gates"]]
    if failed != ["within_limits"]:
        raise RuntimeError(f"Blocked by {failed}, not by the four-fifths rule alone.")
    _find_fault(cast, problem["gates"][0]["message"])
    shadow = {"environment": "production", "role": "shadow"}
    everybody = ("vera", "rita", "rosa")
    _approve(cast, "promote", MORTGAGE, 1, everybody, "Watched, not used.", **shadow)
    fair = {
        "kind": "measure",
        "metric": "demographic_parity_ratio",
        "field": "race",
        "at_least": 0.8,
        "broken_by": "interval",
        "monitor": _monitor(cast, MORTGAGE, "demographic_parity_difference"),
    }
    reason = "Grants from a chance of 50 % on: every group above four fifths of the highest."
    _approve(cast, "promote", MORTGAGE, 2, everybody, reason, conditions=[fair], **PRODUCTION)
    return "mortgage-approval 1 is blocked, 2 serves under a condition"


def _find_fault(cast: Cast, message: str) -> None:
    """What the gate said becomes a finding, with somebody who answers for it."""
    cast.vera.post(
        "/findings",
        {
            "model": MORTGAGE,
            "version": 1,
            "kind": "validation",
            "severity": "high",
            "title": "Selection rates break the four-fifths rule at threshold .85",
            "text": f"{message} A lower threshold, or another model, is needed.",
            "owner": "olga@example.org",
            "due_on": (cast.now + timedelta(days=30)).date().isoformat(),
        },
    )


def _monitor(cast: Cast, model: str, metric: str) -> int:
    found = cast.olga.pages("/monitors", model=model)
    return next(int(one["id"]) for one in found if one["metric"] == metric)


def publish_cards(cast: Cast) -> str:
    """Rita and Rosa sign two cards; Olga publishes air time's, which is of low risk."""
    for model, version, person, reason in (
        (FLIGHT_DELAY, 1, "rita", "Complete, and it says that summer is new to the model."),
        (AIR_TIME, 1, "olga", "Complete for a model that decides nothing about people."),
        (MORTGAGE, 2, "rosa", "Names the threshold, the groups and what was given up for them."),
    ):
        cast.publish(person, model, version, reason)
    return "the cards of the three champions are published; the others stay drafts"


def end_version_0(cast: Cast) -> str:
    """By Anna's policy: notice, everybody agrees, Rita signs; archived, proved by a drill, cleaned
    up at its source, and closed with a tombstone."""
    retirement.set_policy(cast)
    found = retirement.agree(cast)
    request = found["change_request"]
    cast.sign(request, "rita", "I approve it", "Version 1 has taken its place; nobody objects.")
    cast.executed(request)
    ended = retirement.closed(cast, found["id"])
    done = sum(step["state"] == "verified" for step in ended["steps"])
    return f"flight-delay 0 is archived and drilled, {done} steps are verified"


def replay(cast: Cast) -> str:
    """Ten months of predictions and of outcomes that come hours to days later."""
    flights = flight_delay.production(cast.trained["v1"], now=cast.now)
    minutes = _thinned(air_time.production(cast.trained[AIR_TIME], now=cast.now))
    homes = mortgage.production(cast.trained[LENIENT], now=cast.now)
    sent = _send(cast, FLIGHT_DELAY, 1, flights)
    sent += _send(cast, AIR_TIME, 1, minutes, days=4)
    sent += _send(cast, MORTGAGE, 2, homes, days=7)
    strict = mortgage.production(cast.trained[MORTGAGE], now=cast.now)
    sent += _send(cast, MORTGAGE, 1, strict, days=7, outcomes=False)
    return f"{sent:,} rows sent"


def watch(cast: Cast) -> str:
    """Workers fold, join and evaluate; then the incidents are there."""
    cast.until(lambda: _incidents(cast, "performance"), "the incident in April")
    cast.settled()
    return f"{len(list(cast.olga.pages('/incidents')))} incidents opened"


def answer_incident(cast: Cast) -> str:
    """Olga says what she found, and when the model is retrained from now on."""
    incident = _incidents(cast, "performance")[0]
    note = (
        "ROC AUC fell from April on: the weather of spring and summer is new to version 1, which "
        "was trained on January and February. From now on a policy retrains it by itself."
    )
    cast.olga.post(f"/incidents/{incident['id']}/acknowledge", {"note": note})
    said = retraining.set_policy(cast)
    _serve_on(cast)
    return f"Olga acknowledged: {incident['title']}; {said}"


def _serve_on(cast: Cast) -> None:
    """The incident suspended version 1; Rita lets it serve until there is something better."""
    path = f"{version_path(FLIGHT_DELAY, 1)}/clearance"
    status = f"/models/{FLIGHT_DELAY}/status"
    cast.until(
        lambda: cast.rita.get(status)["champion"]["clearance"] == "suspended",
        "the suspension of version 1",
    )
    reason = "A weaker warning is better than none; its successor is on its way."
    cast.rita.post(path, {"decision": "reinstate", "reason": reason})


def retrain(cast: Cast) -> str:
    """By Olga's policy a retraining has begun: its version answers the latest weeks again and is
    proposed; Vera has signed."""
    cast.until(lambda: retraining.registered(cast), "version 2 out of the retraining")
    house_rules.answer_guideline(cast, FLIGHT_DELAY, 2)
    cast.until(lambda: _measured(cast, 2), "version 2's first performance run")
    retraining.retrained(cast)
    cast.settled()
    request = _asked_for(cast, 2)
    discussion.ask_for_a_number(cast, request, FLIGHT_DELAY, 2, _measured(cast, 2)[0])
    cast.sign(
        request,
        "vera",
        "I validated it",
        "A lower Brier score than version 1 on the latest weeks, which it had not seen.",
    )
    return f"CR-{request} waits for Rita; nobody but Vera has touched it"


def _asked_for(cast: Cast, version: int) -> int:
    found = cast.rita.pages("/change-requests", model=FLIGHT_DELAY)
    return next(int(one["id"]) for one in found if one["version"] == version)


def restore_version_0(cast: Cast) -> str:
    """The archive is restored bit by bit, as a new candidate."""
    _approve(cast, "restore", FLIGHT_DELAY, 0, ("rita",), "A drill: can it be brought back?")
    cast.settled()
    newest = cast.olga.get(f"/models/{FLIGHT_DELAY}/versions")["results"][0]
    return f"flight-delay {newest['number']} is the restored version 0, a candidate again"


def look_back(cast: Cast) -> str:
    """Rita lends her role for her leave; Adam draws a sample of what was decided."""
    discussion.lend_role(cast)
    discussion.draw_sample(cast)
    return f"Vera stands in for Rita from next week, Adam walks through {discussion.SAMPLE} changes"


CHAPTERS: list[tuple[str, Callable[[Cast], str]]] = [
    ("Training five versions on real data", train),
    ("Registering models, versions, schemas, references and cards", register),
    ("Setting the rules of the house", set_rules),
    ("Approving the first versions", serve_first),
    ("Approving mortgages fairly", decide_fairly),
    ("Publishing the champions' cards", publish_cards),
    ("Retiring version 0 by policy: notice, archive, drill, clean-up", end_version_0),
    ("Replaying ten months of predictions and outcomes", replay),
    ("Waiting for drift and performance runs", watch),
    ("Answering the incident", answer_incident),
    ("Retraining by policy, up to Rita's inbox", retrain),
    ("Restoring version 0 from its archive", restore_version_0),
    ("Lending a role, drawing an auditor's sample", look_back),
]


def _register_version(
    cast: Cast,
    model: str,
    key: str,
    number: int,
) -> None:
    """With schema, reference (what training held out) and card."""
    trained, published = cast.trained[key], cast.published[key]
    where: dict[str, Any] = (
        {"number": number, "run_id": published.run_id, "artifact_path": "model"}
        if key == "v0"
        else {"mlflow_version": published.version}
    )
    cast.olga.post(f"/models/{model}/versions", {"summary": trained.description, **where})
    cast.olga.put_schema(model, number, trained.schema)
    cast.olga.put_reference(model, number, trained.reference)
    cast.olga.patch(
        f"{version_path(model, number)}/card",
        {"sections": _card(model, number), "note": "First version of the card"},
        etag="0",
    )
    cast.hashed(model, number)
    cast.settled()


def _card(model: str, number: int) -> dict[str, str]:
    if model == FLIGHT_DELAY:
        return cards.FLIGHT_DELAY | {"overview": cards.FLIGHT_DELAY_OVERVIEW[number]}
    if model == MORTGAGE:
        return cards.MORTGAGE | cards.MORTGAGE_VERSIONS[number]
    return cards.AIR_TIME


def _watch_longer(cast: Cast, model: str) -> None:
    """About fifty applications a week are too few to judge: Olga has eight weeks judged at once.

    Fairness is told by the quarter already.
    """
    for monitor in cast.olga.pages("/monitors", model=model):
        if monitor["kind"] == "fairness":
            continue
        cast.olga.patch(f"/monitors/{monitor['id']}", LONGER)


def _approve(
    cast: Cast,
    kind: str,
    model: str,
    version: int,
    signers: tuple[str, ...],
    reason: str,
    **more: Any,
) -> None:
    """Ask, have it signed by everybody the policy wants, and wait until it is carried out."""
    request = cast.submit(kind, model, version, reason, **more)
    for person in signers:
        meaning = "I validated it" if person == "vera" else "I approve it"
        cast.sign(request, person, meaning, reason)
    cast.executed(request)


def _incidents(cast: Cast, kind: str) -> list[Any]:
    found = cast.olga.pages("/incidents", model=FLIGHT_DELAY)
    return [incident for incident in found if incident["kind"] == kind]


def _measured(cast: Cast, version: int) -> list[Any]:
    path = f"/models/{FLIGHT_DELAY}/measurements"
    found = cast.olga.get(path, version=version, kind="performance", metric="roc_auc")["results"]
    return [one for one in found if one["value"] is not None]


def _thinned(replay: Replay) -> Replay:
    """Every fourth prediction, and the outcomes of these."""
    chosen = pa.array(range(0, replay.predictions.num_rows, AIR_TIME_SHARE))
    predictions = replay.predictions.take(chosen)
    ids = predictions["prediction_id"].combine_chunks()
    kept = pc.is_in(replay.outcomes["prediction_id"], ids)
    return Replay(predictions, replay.outcomes.filter(kept))


def _send(
    cast: Cast, model: str, version: int, rows: Replay, *, days: int = 1, outcomes: bool = True
) -> int:
    """Send everything as the serving system, a few batches at a time; returns how many rows."""
    robot: Client = cast.robot
    prefix = f"{model}-{version}-"

    def predictions(batch: Batch) -> None:
        robot.send_predictions(model, version, batch.table, key=batch.key)

    def truths(batch: Batch) -> None:
        robot.send_outcomes(model, batch.table, key=batch.key)

    first = batches(rows.predictions, "event_time", days=days, prefix=f"{prefix}predictions-")
    then = batches(rows.outcomes, "outcome_time", days=days, prefix=f"{prefix}outcomes-")
    work: Iterator[tuple[Callable[[Batch], None], Batch]] = chain(
        ((predictions, batch) for batch in first),
        ((truths, batch) for batch in then) if outcomes else (),
    )
    with ThreadPoolExecutor(SENDERS) as pool:
        sent = pool.map(lambda task: (task[0](task[1]), task[1].table.num_rows)[1], work)
        return sum(sent)
