"""The runner of a name, as operators have set it up (see docs/lifecycle/retraining.md)."""

from monitoring.gateways.runners import Runner, RunnerRefused, settings_of
from monitoring.gateways.runners.airflow import AirflowRunner
from monitoring.gateways.runners.http import HttpRunner

LONGEST_HOURS = 24


def runner_of(name: str) -> Runner:
    """The runner.

    Raises:
        RunnerRefused: there is none of this name, or what was written of it makes none.
    """
    about = settings_of(name)
    told = {key: about[key] for key in about if key not in {"kind", "hours"}}
    kinds = {"http": HttpRunner, "airflow": AirflowRunner}
    made = kinds.get(str(about.get("kind")))
    if made is None:
        raise RunnerRefused(f"The runner {name} is of no known kind.")
    try:
        runner: Runner = made(**told)
    except TypeError as error:
        raise RunnerRefused(f"The settings of the runner {name} are not complete.") from error
    return runner


def hours_of(name: str) -> int:
    """How long it may take."""
    found = settings_of(name).get("hours", LONGEST_HOURS)
    return found if isinstance(found, int) and 0 < found <= 24 * 31 else LONGEST_HOURS


def secret_of(name: str) -> str:
    """What callbacks are signed with; empty where the runner signs none."""
    return str(settings_of(name).get("secret", ""))
