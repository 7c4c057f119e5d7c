"""The way of a change request as steps that a page draws. Pure."""

from governance.reads.requests import RequestPage
from governance.states import RequestState

Step = dict[str, object]


def counting_of(page: RequestPage) -> int:
    """Signatures that count now: one over stale evidence does not."""
    return sum(1 for one in page.signatures if one.counts)


def steps_of(page: RequestPage) -> list[Step]:
    """Submitted, signed, approved, carried out; or how it ended before."""
    line = page.line
    asked: Step = {"label": "Submitted", "state": "done", "note": f"by {line.requested_by}"}
    signed = f"{counting_of(page)} of {line.needed}"
    if line.state in {RequestState.REJECTED, RequestState.WITHDRAWN}:
        return [asked, {"label": line.state.capitalize(), "state": "failed", "note": ""}]
    if line.state == RequestState.OPEN:
        return [
            asked,
            {"label": "Signatures", "state": "now", "note": signed},
            {"label": "Approved", "state": "next", "note": ""},
            {"label": "Carried out", "state": "next", "note": ""},
        ]
    last = {
        RequestState.EXECUTED: ("done", ""),
        RequestState.FAILED: ("failed", "failed, see below"),
    }.get(RequestState(line.state), ("now", "under way"))
    return [
        asked,
        {"label": "Signatures", "state": "done", "note": signed},
        {"label": "Approved", "state": "done", "note": ""},
        {"label": "Carried out", "state": last[0], "note": last[1]},
    ]
