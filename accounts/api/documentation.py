"""What every operation may answer besides its own: problems, named once for all."""

from typing import Any

from accounts.api.problems import MEDIA_TYPE, TITLES

ALWAYS = (400, 401, 403, 404, 406, 422, 429, 503)
WITH_BODY = (411, 413, 415)
PROBLEM = {
    "type": "object",
    "description": "What went wrong, where, and how to mend it (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:ombud:problem: and the code"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable: scripts may rely on it"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "By field or row"},
    },
    "additionalProperties": True,
}
REFERENCE = {"$ref": "#/components/schemas/Problem"}


def name_problems(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """A post-processing hook of drf-spectacular: every refusal of every operation is a problem."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    for operations in result["paths"].values():
        for operation in operations.values():
            if "responses" in operation:
                _name_problems_of(operation)
    return result


def _name_problems_of(operation: dict[str, Any]) -> None:
    statuses = ALWAYS + (WITH_BODY if "requestBody" in operation else ())
    for status in statuses:
        operation["responses"].setdefault(str(status), {"description": TITLES[status]})
    for status, answer in operation["responses"].items():
        if status.isdigit() and int(status) >= 400:
            answer["content"] = {MEDIA_TYPE: {"schema": REFERENCE}}
