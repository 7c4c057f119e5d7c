"""From what services refuse to what the API answers."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.api.problems import Conflict, Problem, Unprocessable
from monitoring.gateways.refusals import UploadRefused
from monitoring.services.experiments import ExperimentInvalid
from monitoring.services.incidents import IncidentInvalid
from monitoring.services.monitors import MonitorInvalid
from monitoring.states import IllegalIncidentMove


@contextmanager
def answering() -> Iterator[None]:
    """What a service refuses becomes a problem with a status and a stable code."""
    try:
        yield
    except UploadRefused as error:
        raise Problem(error.status, error.code, error.detail, **error.extra) from error
    except (MonitorInvalid, IncidentInvalid, ExperimentInvalid) as error:
        complaint = {"field": error.field, "code": "invalid", "message": str(error)}
        raise Unprocessable("invalid", str(error), errors=[complaint]) from error
    except IllegalIncidentMove as error:
        raise Conflict("illegal_move", str(error)) from error
