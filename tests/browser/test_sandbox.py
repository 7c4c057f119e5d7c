"""The page of the sandbox in a real browser: wide, and on a telephone."""

from registry.models import SandboxHost
from sandbox.errand import LAYERS
from tests.browser import test_journey
from tests.browser.test_people import fits, picture
from tests.browser.test_recommendations import entered

page = test_journey.page

LANDLOCK = (
    "The sandbox cannot be closed on this machine: Landlock is missing: Linux 5.13 or newer with "
    "landlock among its security modules."
)


def host(name, *missing, **facts):
    layers = {layer: layer not in missing for layer in LAYERS}
    told = {"kernel": "Linux 6.18.44", "ending": "done", "seconds": 0.21, "layers": layers}
    SandboxHost.objects.create(name=name, **(told | facts))


def test_machines_and_their_layers_fit_a_telephone(transactional_db, live_server, page, adam):
    host("worker-1", swept=3, swept_at="2026-11-20T08:00:00Z", in_use=1)
    host("worker-2.of-a-long-name.example.org", "users", "network")
    host("worker-3", "files", ending="unavailable", detail=LANDLOCK)
    entered(page, live_server, adam)
    page.goto(f"{live_server.url}/sandbox")
    picture(page, "sandbox")
    fits(page)
    assert "No model is opened on this machine" in page.inner_text("main")
