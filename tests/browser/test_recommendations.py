"""Recommendations in a real browser: wide, and on a telephone."""

from governance.jobs.recommendations import current_table
from governance.models import RuleTableChange
from governance.services.recommendations import say_not_followed
from governance.services.rule_tables import propose_table
from ledger import runner
from ledger.models import Job, JobState
from tests.browser import test_journey
from tests.browser.test_people import fits, picture
from tests.conftest import PASSWORD
from tests.governance.test_recommendations import longer, look, measured, verdict

page, waiting = test_journey.page, test_journey.waiting


def entered(page, live_server, who):
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("input[name=login]", who.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{live_server.url}/")


def test_pages_of_recommendations_fit_a_telephone(waiting, live_server, page, olga, rita, anna):
    version = waiting.model.versions.get(number=1)
    look(waiting.model)
    measured(version, "performance", "breach")
    verdict(version, "fairness", "insufficient_data")
    row = look(waiting.model)
    say_not_followed(actor=rita, recommendation_id=row.pk, reason="A strike, known to everybody.")
    propose_table(actor=anna, content=longer(), reason="Three grave findings are too many.")
    for job in Job.objects.filter(kind="governance.rule_trial", state=JobState.DUE):
        runner.run(job_id=job.pk)
    entered(page, live_server, olga)
    change = RuleTableChange.objects.get()
    for name, address in (
        ("recommendations", "/recommendations"),
        ("recommendation", f"/recommendations/{row.pk}"),
        ("rules", "/recommendations/rules"),
        ("rules-change", f"/recommendations/rules/changes/{change.pk}"),
        ("model", "/models/flight-delay"),
        ("version", "/models/flight-delay/1"),
    ):
        page.goto(f"{live_server.url}{address}")
        picture(page, name)
        fits(page)


def test_an_administrator_writes_a_table_on_a_telephone(waiting, live_server, page, anna):
    current_table()
    entered(page, live_server, anna)
    page.goto(f"{live_server.url}/recommendations/rules/propose")
    picture(page, "propose")
    fits(page)
    page.fill("textarea[name=content]", longer())
    page.fill("textarea[name=reason]", "Three grave findings are too many.")
    page.click("text=Propose >> nth=-1")
    page.wait_for_url("**/recommendations/rules/changes/*")
    assert "grave findings" in page.inner_text("main")
