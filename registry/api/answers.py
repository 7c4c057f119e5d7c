"""From what services refuse to what the API answers, and what the schema says of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from accounts.api.problems import Conflict, Problem, Unprocessable
from registry.refusals import (
    AlreadyThere,
    BrokenFile,
    ChangedSince,
    NotTaken,
    Rejected,
    SchemaFixed,
)
from registry.schemas import SchemaInvalid
from registry.states import IllegalMove


class RegistryProblemSerializer(serializers.Serializer[object]):
    """An error (RFC 9457): what is wrong and how to mend it."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()


SAYS = {
    400: "The request cannot be understood",
    401: "Not signed in, or the token is not live",
    403: "Seen, but not allowed",
    404: "Nothing of this name that you may see",
    409: "Conflicts with what is there",
    412: "Changed since it was read",
    413: "Too large",
    415: "This format is not taken",
    422: "Understood, and cannot be accepted",
    428: "If-Match is missing",
}


def problems(*statuses: int) -> dict[int, OpenApiResponse]:
    """These errors for the API's schema."""
    return {
        status: OpenApiResponse(RegistryProblemSerializer, description=SAYS[status])
        for status in statuses
    }


@contextmanager
def answering() -> Iterator[None]:
    """What a service refuses becomes a problem with a status and a stable code."""
    try:
        yield
    except SchemaInvalid as error:
        complaints = [{"field": one.field, "message": one.message} for one in error.problems]
        raise Unprocessable("schema_invalid", str(error), errors=complaints) from error
    except (AlreadyThere, SchemaFixed) as error:
        raise Conflict(error.code, str(error)) from error
    except BrokenFile as error:
        raise Problem(400, error.code, str(error)) from error
    except Rejected as error:
        raise Unprocessable(error.code, str(error)) from error
    except IllegalMove as error:
        raise Conflict("illegal_move", str(error)) from error
    except ChangedSince as error:
        raise Problem(412, "changed_since", f"{error} Read it again, then change it.") from error
    except NotTaken as error:
        raise Problem(415, "unsupported_media_type", str(error)) from error
