"""From what services refuse to what the API answers."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.api.problems import Conflict, Problem, Unprocessable
from monitoring.data_checks import ChecksInvalid
from monitoring.gateways.refusals import UploadRefused
from monitoring.retraining_terms import TermsInvalid
from monitoring.services.experiments import ExperimentInvalid
from monitoring.services.explanations import ExplanationInvalid, NotLogged
from monitoring.services.incidents import IncidentInvalid
from monitoring.services.monitors import MonitorInvalid
from monitoring.services.retraining_policies import RetrainingInvalid
from monitoring.states import IllegalIncidentMove, IllegalRetrainingMove


@contextmanager
def answering() -> Iterator[None]:
    """What a service refuses becomes a problem with a status and a stable code."""
    try:
        yield
    except UploadRefused as error:
        raise Problem(error.status, error.code, error.detail, **error.extra) from error
    except NotLogged as error:
        raise Problem(404, "not_found", str(error)) from error
    except (
        MonitorInvalid,
        IncidentInvalid,
        ExperimentInvalid,
        ExplanationInvalid,
        RetrainingInvalid,
        TermsInvalid,
        ChecksInvalid,
    ) as error:
        complaint = {"field": error.field, "code": "invalid", "message": str(error)}
        raise Unprocessable("invalid", str(error), errors=[complaint]) from error
    except (IllegalIncidentMove, IllegalRetrainingMove) as error:
        raise Conflict("illegal_move", str(error)) from error
