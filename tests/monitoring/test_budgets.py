"""How many false alarms a model may raise is declared, audited, and shared by its monitors."""

import pytest

from accounts.policies import Refused
from audit.models import Event
from monitoring.models import AlarmBudget
from monitoring.reads.settings import alpha_of, budget_of
from monitoring.services.budgets import set_alarm_budget
from monitoring.services.monitors import MonitorInvalid, Settings, create_monitor

pytestmark = pytest.mark.django_db


def monitor(actor, model, name="Drift"):
    settings = Settings(name=name, kind="drift", metric="psi", breach=0.2)
    return create_monitor(actor=actor, model_id=model.pk, settings=settings)


def test_a_tenth_of_the_budget_is_a_tenth_of_every_runs_alpha(olga, model):
    one = monitor(olga, model)
    before = alpha_of(one, [one], budget_of(model.pk))
    set_alarm_budget(actor=olga, model_id=model.pk, false_alarms=0.1, days=90)
    after = alpha_of(one, [one], budget_of(model.pk))
    assert before == pytest.approx(0.05)
    assert after == pytest.approx(0.1 / (90 / 7), rel=1e-6)
    event = Event.objects.get(event="monitoring.budget.changed")
    assert event.data["before"] == {"false_alarms": "1.0", "days": "90.0"}


def test_more_monitors_share_the_same_budget(olga, model):
    set_alarm_budget(actor=olga, model_id=model.pk, false_alarms=0.2, days=90)
    together = [monitor(olga, model, name) for name in ("One", "Two", "Three", "Four")]
    alphas = [alpha_of(one, together, budget_of(model.pk)) for one in together]
    assert sum(alphas) * 90 / 7 == pytest.approx(0.2, rel=1e-6)


@pytest.mark.parametrize("name", ["adam", "robot", "rita"])
def test_others_may_not_set_it_and_nothing_is_written(request, model, name):
    before = Event.objects.count()
    with pytest.raises(Refused):
        set_alarm_budget(
            actor=request.getfixturevalue(name), model_id=model.pk, false_alarms=5, days=90
        )
    assert not AlarmBudget.objects.exists()
    assert Event.objects.count() == before


@pytest.mark.parametrize(("alarms", "days"), [(0, 90), (-1, 90), (2000, 90), (1, 0), (1, 400)])
def test_numbers_out_of_range_are_refused(olga, model, alarms, days):
    with pytest.raises(MonitorInvalid):
        set_alarm_budget(actor=olga, model_id=model.pk, false_alarms=alarms, days=days)
    assert not AlarmBudget.objects.exists()
