"""The layers are probed by the child that wears them, for root and for a plain user."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from sandbox.errand import LAYERS, Ending, Errand
from sandbox.run import run

ROOT = Path(__file__).parents[2]


def test_every_layer_holds_here():
    outcome = run(Errand("probe"))
    assert outcome.ending is Ending.DONE
    assert outcome.layers == dict.fromkeys(LAYERS, True)


@pytest.mark.parametrize("layer", ["limits", "no_new_privileges", "system_calls", "files"])
def test_each_required_layer_that_fails_closes_the_sandbox(monkeypatch, layer):
    """A child that says one of them does not hold is not asked to do anything."""
    from sandbox import run as parent

    heard = parent._Heard(layers=dict.fromkeys(LAYERS, True) | {layer: False})
    ending, detail = parent._named(Errand("probe").limits, heard, 0)
    assert ending is Ending.UNAVAILABLE
    assert parent.MEND[layer] in detail


def test_a_plain_user_without_any_capability_has_all_layers_too():
    """Root has more to give up than others; both are tried."""
    script = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from sandbox.errand import Errand
from sandbox.run import run
outcome = run(Errand("probe"))
print(os.getuid(), outcome.ending, all(outcome.layers.values()), outcome.detail, outcome.log)
"""
    as_somebody = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    done = subprocess.run(
        [*as_somebody, sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("1000 done True"), done.stdout + done.stderr


def test_the_command_tells_each_layer(capsys):
    call_command("sandbox_layers")
    told = capsys.readouterr().out
    assert told.count("holds") == len(LAYERS)
    assert "MISSING" not in told
