"""Every route with every role: a route that is not in the table fails, and so does an answer.

`in`: passes the door (whatever the answer to the content is); `out`: seen, but not allowed (403);
`none`: not there for this person (404); `door`: sign in first (401, or sent to the sign-in page).
"""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import ApiToken
from accounts.services.tokens import create_token
from tests.conftest import PASSWORD
from tests.world import World, world_of

TABLE = Path(__file__).parent / "routes.txt"
PEOPLE = ("nobody", "sam", "adam", "robot", "olga", "vera", "rita", "rosa", "anna")
JSON = "application/json"
SIGN = {"decision": "approve", "meaning": "I approve it", "reason": "ok", "password": PASSWORD}
MODEL = {
    "slug": "air-time",
    "name": "Air time",
    "purpose": "Minutes.",
    "team": "flight-operations",
    "task": "regression",
    "risk_tier": "low",
    "mlflow_name": None,
}
MONITOR = {"model": "flight-delay", "name": "Mine", "kind": "drift", "metric": "psi", "breach": 0.3}
EXPERIMENT = {
    "name": "Later",
    "kind": "split",
    "champion": 1,
    "challenger": 0,
    "endpoint": "error_rate",
    "planned_rows": 1000,
}
REASON = {"reason": "Because it has to be."}
TERMS = {
    "match": "any",
    "rules": [{"rule": "idle", "parameters": {"days": 90}}],
    "notice_days": 30,
    "rest_days": 90,
    "log_days": 365,
}
RETRAINING = {"triggers": [{"on": "schedule", "every_days": 30}]}
PROVED = {**REASON, "password": PASSWORD}
ANSWERS = {
    "materiality": "little",
    "autonomy": "advice",
    "people": "none",
    "reversibility": "at_once",
}
FINDING = {"kind": "validation", "severity": "low", "title": "A gap", "text": "There is one."}
DRAW = {
    "title": "All",
    "population": "changes",
    "since": "2026-01-01",
    "until": "2026-12-31",
    "size": 5,
    "seed": "1",
}
BODIES: dict[str, dict[str, Any]] = {
    "POST api/v1/models": MODEL,
    "PATCH api/v1/models/{model}": {"name": "Delay"},
    "POST api/v1/models/{model}/versions": {"run_id": "r", "artifact_path": "m", "number": 9},
    "PUT api/v1/models/{model}/versions/{version}/schema": {"fields": []},
    "PATCH api/v1/models/{model}/versions/{version}/card": {"sections": {"overview": "x"}},
    "POST api/v1/models/{model}/versions/{version}/card/publications": {
        "digest": "d" * 64,
        **PROVED,
    },
    "POST models/{model}/{version}/card/publish": {"digest": "d" * 64, **PROVED},
    "POST api/v1/monitors": MONITOR,
    "PUT api/v1/models/{model}/alarm-budget": {"false_alarms": 2, "days": 90},
    "PATCH api/v1/monitors/{monitor}": {"severity": "info"},
    "POST api/v1/models/{model}/experiments": {
        **EXPERIMENT,
        "challenger_share": 0.5,
        "starts_at": "2026-03-02T00:00:00Z",
        "ends_at": "2026-03-30T00:00:00Z",
    },
    "POST api/v1/experiments/{experiment}/stop": REASON,
    "POST api/v1/experiments/{experiment}/rollout": {"guards": [{"metric": "value", "margin": 1}]},
    "POST api/v1/experiments/{experiment}/rollout/pause": REASON,
    "POST api/v1/experiments/{experiment}/rollout/resume": REASON,
    "POST api/v1/experiments/{experiment}/rollout/stop": REASON,
    "POST monitoring/{model}/experiments": {
        **EXPERIMENT,
        "share": 50,
        "starts_on": "2026-03-02",
        "ends_on": "2026-03-30",
    },
    "POST experiments/{experiment}/stop": REASON,
    "POST api/v1/incidents/{incident}/acknowledge": {},
    "POST api/v1/incidents/{incident}/resolve": {"root_cause": "Summer."},
    "POST api/v1/incidents/{incident}/notes": {"text": "Seen."},
    "POST api/v1/change-requests": {
        "kind": "retire",
        "model": "flight-delay",
        "version": 1,
        "environment": "staging",
        **REASON,
    },
    "POST api/v1/change-requests/{request}/decisions": {**SIGN, "digest": "d" * 64},
    "POST api/v1/change-requests/{request}/withdraw": REASON,
    "PUT api/v1/change-requests/{request}/conditions": {"conditions": [], **REASON},
    "POST api/v1/models/{model}/put-back": REASON,
    "POST api/v1/models/{model}/holds": {"case": "Doe", **REASON},
    "POST api/v1/models/{model}/holds/{hold}/lift": REASON,
    "POST api/v1/archives": {"model": "flight-delay", "version": 0, **REASON},
    "POST api/v1/archives/{archive}/restore": REASON,
    "POST api/v1/models/{model}/versions/{version}/clearance": {"decision": "suspend", **REASON},
    "POST models/{model}/{version}/request": {"kind": "retire", **REASON},
    "POST models/{model}/{version}/card/edit": {"overview": "x", "expected_revision": "1"},
    "POST models/{model}/{version}/card/import": {"content": "e30=", "expected_revision": "1"},
    "POST models/{model}/{version}/clearance": {"environment": "production", **REASON},
    "POST change-requests/{request}/sign": {**SIGN, "digest": "d" * 64},
    "POST change-requests/{request}/withdraw": REASON,
    "POST monitors/{monitor}": {"severity": "info"},
    "POST incidents/{incident}/note": {"text": "Seen.", "note": "Seen."},
    "PUT api/v1/models/{model}/scope": {"jurisdictions": ["EU"], "purposes": []},
    "POST api/v1/models/{model}/controls/{framework}/{control}/assessments": {
        "result": "partly",
        **REASON,
    },
    "POST api/v1/models/{model}/risk": {"answers": ANSWERS, **PROVED},
    "POST api/v1/findings": {"model": "flight-delay", **FINDING},
    "PATCH api/v1/findings/{finding}": {"owner": "olga@example.org", **REASON},
    "POST api/v1/findings/{finding}/moves": {"verb": "start", "text": "Looking."},
    "POST api/v1/findings/{finding}/notes": {"text": "Seen."},
    "POST api/v1/waivers": {
        "model": "flight-delay",
        "control": {"framework": "house-rules", "control": "H.1"},
        "expires_on": "2099-01-01",
        **REASON,
    },
    "POST api/v1/waivers/{waiver}/decision": {"decision": "grant", **PROVED},
    "POST api/v1/waivers/{waiver}/withdraw": REASON,
    "POST api/v1/attestations/{attestation}/sign": {
        "result": "fit",
        "statement": "Looked at.",
        "password": PASSWORD,
    },
    "POST models/{model}/scope": {"jurisdictions": "EU"},
    "POST models/{model}/controls/{framework}/{control}": {
        "result": "partly",
        "digest": "c" * 64,
        **REASON,
    },
    "POST models/{model}/controls/{framework}/{control}/evidence": {"title": "t", "text": "x"},
    "POST models/{model}/risk": {**ANSWERS, **PROVED},
    "POST models/{model}/waiver": {"expires_on": "2099-01-01", **REASON},
    "POST findings/new": {"model": "flight-delay", **FINDING},
    "POST findings/{finding}/move": {"verb": "start", "text": "Looking."},
    "POST findings/{finding}/note": {"text": "Seen."},
    "POST findings/{finding}/change": {"owner": "olga@example.org", **REASON},
    "POST waivers/{waiver}": {"decision": "grant", **PROVED},
    "POST attestations/{attestation}": {
        "result": "fit",
        "statement": "Looked at.",
        "password": PASSWORD,
    },
    "POST incidents/{incident}/resolve": {"root_cause": "Summer."},
    "POST api/v1/guidelines/{guideline}/sign": {"digest": "d" * 64, **PROVED},
    "POST api/v1/guidelines/{guideline}/end": PROVED,
    "PUT api/v1/models/{model}/versions/{version}/guidelines/{guideline}": {
        "answers": {"harmed": {"text": "Travellers"}}
    },
    "POST api/v1/models/{model}/versions/{version}/guidelines/{guideline}/sign": {
        "digest": "d" * 64,
        **PROVED,
    },
    "POST api/v1/models/{model}/purpose": {"purpose": "Warns earlier.", **REASON},
    "POST api/v1/change-requests/{request}/entries": {"text": "Seen."},
    "POST change-requests/{request}/entries": {"kind": "comment", "text": "Seen."},
    "POST api/v1/delegations": {
        "taker": "olga@example.org",
        "team": "flight-operations",
        "role": "reviewer",
        "begins_on": "2026-01-01",
        "ends_on": "2026-01-02",
        **REASON,
    },
    "POST api/v1/delegations/{delegation}/end": REASON,
    "POST accounts/delegations/{delegation}/end": REASON,
    "PUT api/v1/change-requests/{request}/due-date": {"due_on": "2099-01-01", **REASON},
    "POST change-requests/{request}/due-date": {"due_on": "2099-01-01", **REASON},
    "POST api/v1/policy-changes": {
        "kind": "archive",
        "risk_tier": "low",
        "rounds": [{"name": "Approval", "quorum": {"reviewer": 2}}],
        "gates": [{"gate": "stage", "mode": "prevent"}],
        **REASON,
    },
    "POST api/v1/policy-changes/{change}/decisions": {
        "decision": "approve",
        "digest": "d" * 64,
        **PROVED,
    },
    "POST api/v1/policy-changes/{change}/withdraw": REASON,
    "POST api/v1/recommendations/{recommendation}/not-followed": REASON,
    "POST recommendations/{recommendation}": REASON,
    "POST api/v1/recommendation-rules/changes": {"content": "rules: []", **REASON},
    "POST recommendations/rules/propose": {"content": "rules: []", **REASON},
    "POST api/v1/recommendation-rules/changes/{table_change}/decisions": {
        "decision": "approve",
        "digest": "d" * 64,
        **PROVED,
    },
    "POST api/v1/recommendation-rules/changes/{table_change}/withdraw": REASON,
    "POST recommendations/rules/changes/{table_change}/sign": {
        "decision": "approve",
        "digest": "d" * 64,
        **PROVED,
    },
    "POST recommendations/rules/changes/{table_change}/withdraw": REASON,
    "POST policies/{kind}/{tier}/propose": {"stage-mode": "prevent", **REASON},
    "POST policy-changes/{change}/sign": {"decision": "approve", "digest": "d" * 64, **PROVED},
    "POST policy-changes/{change}/withdraw": REASON,
    "POST guidelines/{guideline}/sign": {"digest": "d" * 64, **PROVED},
    "POST guidelines/{guideline}/end": PROVED,
    "POST models/{model}/{version}/guidelines/{guideline}": {"harmed--text": "Travellers"},
    "POST models/{model}/{version}/guidelines/{guideline}/sign": {"digest": "d" * 64, **PROVED},
    "POST models/{model}/purpose": {"purpose": "Warns earlier.", **REASON},
    "POST api/v1/signing-challenges": {"act": "risk", "record": "flight-delay"},
    "POST api/v1/samples": DRAW,
    "POST api/v1/samples/{sample}/items/{position}/entries": {"text": "Seen."},
    "POST api/v1/samples/{sample}/items/{position}/exception": {"severity": "low", "text": "No."},
    "POST api/v1/bundles": {
        "model": "flight-delay",
        "since": "2026-01-01",
        "until": "2026-01-02",
    },
    "POST samples/new": DRAW,
    "POST samples/{sample}/{position}/entries": {"text": "Seen."},
    "POST samples/{sample}/{position}/exception": {"severity": "low", "text": "No."},
    "POST api/v1/back-tests": {
        "kind": "promote",
        "risk_tier": "low",
        "quorum": {"reviewer": 1},
        "gates": [],
        "since": "2026-01-01",
        "until": "2026-02-01",
    },
    "POST api/v1/monitors/{monitor}/back-tests": {
        "settings": {"breach": 0.3},
        "since": "2026-01-01",
        "until": "2026-02-01",
    },
    "PUT api/v1/challenge/{team}": {"on": True, **REASON},
    "POST challenge/{team}": {"on": "yes", **REASON},
    "POST api/v1/retirements/{retirement}/objections": REASON,
    "POST api/v1/retirements/{retirement}/objections/{objection}/answer": {
        "answer": "overruled",
        **REASON,
    },
    "PUT api/v1/retirements/{retirement}/replacement": {"version": None, **REASON},
    "POST api/v1/retirements/{retirement}/steps/{step}/retry": REASON,
    "POST api/v1/retirement-policies": {
        "scope": "tier",
        "place": "high",
        "terms": TERMS,
        **REASON,
    },
    "POST api/v1/models/{model}/life-facts": {
        "kind": "legal_basis",
        "ends_on": "2030-01-01",
        "source": "The contract.",
    },
    "POST api/v1/models/{model}/clients": {"name": "Screens", "contact": "s@example.org"},
    "POST api/v1/models/{model}/registration": {"verb": "draft", **REASON},
    "POST retirements/{retirement}/object": REASON,
    "POST retirements/{retirement}/objections/{objection}": {"answer": "upheld", **REASON},
    "POST retirements/{retirement}/replacement": {"version": "none", **REASON},
    "POST retirements/{retirement}/steps/{step}": REASON,
    "POST retirement-policies/{scope}/{place}/propose": REASON,
    "POST models/{model}/life": {
        "kind": "legal_basis",
        "ends_on": "2030-01-01",
        "where": "The contract.",
    },
    "POST models/{model}/life/clients": {"name": "Screens", "contact": "s@example.org"},
    "POST models/{model}/life/registration": {"verb": "draft", **REASON},
    "POST erasures/{erasure}/refuse": {"reason": ""},
    "POST api/v1/erasures/{erasure}/refuse": REASON,
    "POST api/v1/erasures/{erasure}/check": {"digest": "d" * 64, **PROVED},
    "POST api/v1/erasures": {
        "model": "flight-delay",
        "reference": "Letter 8",
        "basis": "GDPR Art. 17",
        "received_on": "2026-01-01",
        "values": ["f1"],
    },
    "POST models/{model}/holds": {"case": "Doe", **REASON},
    "POST models/{model}/holds/{hold}/lift": REASON,
    "POST archives/{archive}/purge": REASON,
    "POST purges/{purge}/refuse": {"reason": ""},
    "POST api/v1/archives/{archive}/purge": REASON,
    "POST api/v1/purges/{purge}/confirm": {"digest": "d" * 64, **PROVED},
    "POST api/v1/purges/{purge}/refuse": REASON,
    "POST api/v1/retention": {"years": {"low": 9, "medium": 9, "high": 9}, **REASON},
    "POST api/v1/retention/{table}/sign": {"digest": "d" * 64, **PROVED},
    "POST api/v1/retention/{table}/refuse": REASON,
    "POST api/v1/models/{model}/retraining-policies": {"terms": RETRAINING, **REASON},
    "POST api/v1/models/{model}/data-suites": {
        "checks": {"columns": {"temperature": {"dtype": "number"}}},
        **REASON,
    },
    "POST api/v1/models/{model}/retrainings": REASON,
    "POST api/v1/predictions/{prediction}/explanation": {"model": "flight-delay"},
    "PUT api/v1/models/{model}/explanation-policy": {"share": 0.1, "per_day": 10},
    "POST monitoring/{model}/explanations/policy": {"percent": 10, "per_day": 10},
    "POST api/v1/retraining-policies/{policy}/approve": {"digest": "d" * 64, **PROVED},
    "POST api/v1/retraining-policies/{policy}/switch-off": REASON,
    "POST api/v1/retrainings/{retraining}/cancel": REASON,
    "POST api/v1/retrainings/{retraining}/retry": REASON,
    "POST monitoring/{model}/retraining/start": REASON,
    "POST monitoring/{model}/data-suite": {"checks": "{}", **REASON},
    "POST retraining-policies/{policy}/approve": {"digest": "d" * 64, **PROVED},
    "POST retraining-policies/{policy}/switch-off": REASON,
    "POST retrainings/{retraining}/cancel": REASON,
    "POST retrainings/{retraining}/retry": REASON,
    "POST bundles": {"model": "flight-delay", "since": "2026-01-01", "until": "2026-01-02"},
}


SPOKEN = {"slug": "model", "number": "version"}


def routes() -> dict[str, URLPattern]:
    """Every route of the resolver, with parameters named by what they stand for."""
    found: dict[str, URLPattern] = {}

    def walk(resolver: URLResolver, prefix: str) -> None:
        for entry in resolver.url_patterns:
            path = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                walk(entry, path)
            else:
                found.setdefault(_named(path), entry)

    walk(get_resolver(), "")
    return found


def _named(path: str) -> str:
    def name(match: re.Match[str]) -> str:
        word: str = match[1].removesuffix("_id")
        if word == "pk":
            word = "archive" if "archives/" in path else "request"
        return f"{{{SPOKEN.get(word, word)}}}"

    return re.sub(r"<(?:\w+:)?(\w+)>", name, path)


def table() -> dict[str, dict[str, str]]:
    """`METHOD route` to what each of the people gets."""
    lines = [line.split() for line in TABLE.read_text().splitlines() if line.strip()]
    lines = [line for line in lines if not line[0].startswith("#")]
    return {
        f"{line[0]} {'' if line[1] == '/' else line[1]}": dict(zip(PEOPLE, line[2:], strict=True))
        for line in lines
    }


def test_every_route_has_its_line():
    listed = {line.split(" ", 1)[1] for line in table()}
    assert len(listed) > 60
    assert set(routes()) - listed == set(), "new routes: say in tests/routes.txt who may"
    assert listed - set(routes()) == set(), "these routes are gone"


def test_every_method_of_the_api_has_its_line():
    listed = set(table())
    missing = [
        f"{method.upper()} {path}"
        for path, entry in routes().items()
        for method in getattr(getattr(entry.callback, "cls", None), "http_method_names", [])
        if method in {"get", "post", "put", "patch", "delete"}
        and hasattr(entry.callback.cls, method)
        and f"{method.upper()} {path}" not in listed
    ]
    assert missing == []


def _sent(method: str, route: str, world: World) -> dict[str, Any]:
    """What is sent along, bound to the evidence there is where it is signed."""
    body = BODIES.get(f"{method} {route}", {})
    return body | {"digest": world.digest} if "digest" in body else body


def meets(method: str, route: str, client: Client, world: World, token: int) -> str:
    """What happens to this person at this route, as a word."""
    ids = {**world.__dict__, "token": token}
    path = "/" + re.sub(r"\{(\w+)\}", lambda match: str(ids[match[1]]), route)
    body = _sent(method, route, world)
    sent = {"data": json.dumps(body), "content_type": JSON} if "api/" in route else {"data": body}
    headers = {}
    if method == "PATCH":
        headers = {"If-Match": client.get(path).headers.get("ETag", '"1"')}
    if method == "GET":
        answer = client.get(path)
    else:
        answer = client.generic(method, path, headers=headers, **_encoded(sent))
    assert answer.status_code < 500, f"{method} {path}: {answer.content[:500]!r}"
    if answer.status_code == 302 and answer["Location"].startswith("/accounts/login/?next="):
        return "door"
    return {401: "door", 403: "out", 404: "none"}.get(answer.status_code, "in")


def _encoded(sent: dict[str, Any]) -> dict[str, Any]:
    if "content_type" in sent:
        return sent
    return {
        "data": urlencode(sent["data"]),
        "content_type": "application/x-www-form-urlencoded",
    }


@pytest.mark.parametrize("name", PEOPLE)
def test_each_gets_what_the_table_says(name, request, team, olga, vera, rita, other_team):
    person = None if name == "nobody" else request.getfixturevalue(name)
    world = world_of(team, olga)
    told, wrong = table(), []
    token = _token_of(person or olga)
    signed_in = Client()
    if person is not None:
        signed_in.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
    for line, expected in told.items():
        method, route = line.split(" ", 1)
        if "logout" in route and person is not None:
            continue  # it would end the session that the rest needs; the browser journey signs out
        client = Client()
        client.cookies = deepcopy(signed_in.cookies)
        with transaction.atomic():
            got = meets(method, route, client, world, token)
            transaction.set_rollback(True)  # every line meets the same world
        if got != expected[name]:
            wrong.append(f"{line}: the table says {expected[name]}, {name} got {got}")
    assert wrong == []
    assert len(told) > 80


def _token_of(person) -> int:
    made = create_token(actor=person, owner=person, name="x", scopes=["read"], days=1)
    return ApiToken.objects.get(pk=made.token.pk).pk
