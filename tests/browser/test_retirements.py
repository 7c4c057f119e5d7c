"""Retirements in a real browser: wide, and on a telephone."""

from accounts.roles import Role
from governance.services.no_objections import say_no_objection
from governance.services.retirements import answer_objection, object_to
from tests.browser import test_journey
from tests.browser.test_people import fits, picture
from tests.browser.test_recommendations import entered
from tests.conftest import person
from tests.governance.conftest import ask, carry_out, sign
from tests.governance.retirements.conftest import in_force, look, terms
from tests.governance.test_recommendations import look as recommend
from tests.governance.test_recommendations import measured

page, waiting = test_journey.page, test_journey.waiting


def test_pages_of_retirements_fit_a_telephone(waiting, live_server, page, olga, vera, rita, team):
    """The notice of version 1 may end early; version 2 is champion and is to be investigated."""
    sign(rita, waiting)
    carry_out(waiting)
    old, two = waiting.model.versions.get(number=1), waiting.version
    in_force(terms(early_end=True))
    row = look(old)
    measured(two, "performance", "breach")
    recommend(waiting.model)
    say_no_objection(actor=vera, retirement_id=row.pk)
    say_no_objection(actor=rita, retirement_id=row.pk)
    objection = object_to(actor=rita, retirement_id=row.pk, reason="Cargo still uses it.")
    entered(page, live_server, olga)
    picture(page, "overview")
    fits(page)
    for name, address in (
        ("notice", f"/retirements/{row.pk}"),
        ("policy", "/retirement-policies/team/flight-operations"),
        ("card", "/models/flight-delay/2/card"),
    ):
        page.goto(f"{live_server.url}{address}")
        picture(page, name)
        fits(page)
    page.goto(f"{live_server.url}/retirements/{row.pk}")
    page.click("text=I do not object")
    page.wait_for_load_state()
    assert "It is noted that you do not object" in page.inner_text("body")
    rosa = person("rosa", (Role.RISK_OFFICER, team))
    told = {"answer": "overruled", "reason": "Cargo moved on in March."}
    answer_objection(actor=rosa, objection_id=objection.pk, **told)
    request = ask(olga, old, kind="retire", reason="The route is closed.")
    sign(rita, request)
    carry_out(request)
    page.goto(f"{live_server.url}/retirements")
    picture(page, "retirements")
    fits(page)


def test_a_retirement_by_hand_fits_a_telephone(waiting, live_server, page, olga, rita):
    sign(rita, waiting)
    carry_out(waiting)
    old = waiting.model.versions.get(number=1)
    request = ask(olga, old, kind="retire", reason="The route is closed.")
    sign(rita, request)
    entered(page, live_server, olga)
    for name, address in (("request", f"/change-requests/{request.pk}"),):
        page.goto(f"{live_server.url}{address}")
        picture(page, name)
        fits(page)
    carry_out(request)
    page.goto(f"{live_server.url}/retirements/{old.retirements.get().pk}")
    picture(page, "by-hand")
    fits(page)
