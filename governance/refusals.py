"""What cannot be done and why, each with a code and a status that skins answer with. Pure."""

from collections.abc import Sequence
from typing import Any


class Unable(Exception):
    """It cannot be done as things are; the message says why and how to mend it."""

    status = 409
    code = "conflict"

    def details(self) -> dict[str, Any]:
        """Members beside the message, in types of JSON."""
        return {}


class NotOpen(Unable):
    """The request has been decided, withdrawn or executed already."""

    code = "request_not_open"


class AlreadyRequested(Unable):
    """The same change of the version is asked for already."""

    code = "already_requested"


class ObjectionWaits(Unable):
    """Somebody objects to the version's retirement, and nobody has answered yet."""

    code = "objection_waits"


class EvidenceChanged(Unable):
    """What the person read is not what would be signed."""

    code = "evidence_changed"


class EvidenceStale(Unable):
    """The version changed after its evidence was frozen."""

    code = "evidence_stale"


class AlreadySigned(Unable):
    code = "already_signed"


class ChangesAsked(Unable):
    """Somebody who may sign asked for a change that is not settled yet."""

    code = "changes_asked"


class CardChanged(Unable):
    """Somebody else revised the card meanwhile."""

    status = 412
    code = "card_changed"


class ClearanceNotSo(Unable):
    """The clearance is not in the state that the step starts from."""

    code = "clearance_not_so"


class Incomplete(Unable):
    """What was sent cannot be a change request or a signature."""

    status = 422
    code = "invalid"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field

    def details(self) -> dict[str, Any]:
        return {"errors": [{"field": self.field, "code": "invalid", "message": str(self)}]}


class GatesNotPassed(Unable):
    """Gates that prevent did not pass; `failing` has each with how to mend it."""

    status = 422
    code = "gates_not_passed"

    def __init__(self, failing: Sequence[dict[str, Any]]) -> None:
        super().__init__(" ".join(str(gate["message"]) for gate in failing))
        self.failing = list(failing)

    def details(self) -> dict[str, Any]:
        return {"gates": self.failing}


class WrongPassword(Unable):
    status = 403
    code = "wrong_password"


class SecondFactorNeeded(Unable):
    """A password alone does not sign for this person, or nowhere here."""

    status = 403
    code = "second_factor_needed"


class BrowserNeeded(Unable):
    """Nobody proves by API who they are without password and passkey."""

    status = 403
    code = "sign_in_the_browser"

    def __init__(self, message: str, subject: Any) -> None:
        super().__init__(message)
        self.subject = subject


class NoPasskey(Unable):
    """A challenge is for a passkey; this person has none."""

    code = "no_passkey"


class TooManyAttempts(Unable):
    status = 429
    code = "too_many_attempts"


class BadImport(Unable):
    """A foreign card cannot be taken; each wrong place says how to mend it."""

    status = 422
    code = "card_not_importable"

    def __init__(self, places: Sequence[Any]) -> None:
        super().__init__("The file cannot be taken; nothing was changed.")
        self.places = list(places)

    def details(self) -> dict[str, Any]:
        return {
            "errors": [
                {
                    "field": place.path or "file",
                    "code": "invalid",
                    "message": f"{place.message} {place.mend}",
                }
                for place in self.places
            ]
        }


class BadFile(Unable):
    """A framework's file has wrong places; each is named by its line."""

    status = 422
    code = "framework_invalid"

    def __init__(self, problems: Sequence[Any]) -> None:
        super().__init__(" ".join(str(problem) for problem in problems))
        self.problems = list(problems)

    def details(self) -> dict[str, Any]:
        return {
            "errors": [
                {
                    "field": problem.path or "file",
                    "line": problem.line,
                    "code": "invalid",
                    "message": problem.message,
                }
                for problem in self.problems
            ]
        }


class NameTaken(Unable):
    """Another framework has this name already."""

    code = "name_taken"


class NotTaken(Unable):
    """The bytes are none of the kinds of documents that are kept."""

    status = 415
    code = "unsupported_media_type"


class TooLarge(Unable):
    status = 413
    code = "too_large"


class RuleChanged(Unable):
    """The control is not as the person read it."""

    code = "rule_changed"


class NotConcerned(Unable):
    """The control is not asked of this model."""

    code = "not_concerned"

    def __init__(self) -> None:
        super().__init__("This control does not concern the model: its tier, places and purposes.")


class NoSuchStep(Unable):
    """The life cycle has no such step from there."""

    code = "no_such_step"


class BadFields(Unable):
    """Several fields are not right; each with why."""

    status = 422
    code = "invalid"

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors

    def details(self) -> dict[str, Any]:
        return {
            "errors": [
                {"field": name, "code": "invalid", "message": text}
                for name, text in self.errors.items()
            ]
        }


class StillOwns(Unable):
    """Somebody who leaves must hand over first what they own."""

    code = "still_owns"
