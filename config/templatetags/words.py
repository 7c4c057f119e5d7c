"""How the words of the domain look: one icon and one tone for each, everywhere the same."""

# A tone is a CSS class `ob-tone-…`; colours themselves are tokens in ombud.css.
LOOKS: dict[str, dict[str, tuple[str, str]]] = {
    "verdict": {
        "ok": ("circle-check", "ok"),
        "warning": ("alert-triangle", "warning"),
        "breach": ("alert-octagon", "breach"),
        "insufficient_data": ("circle-dashed", "unknown"),
    },
    "stage": {
        "candidate": ("circle-dashed", "candidate"),
        "approved": ("rosette-discount-check", "approved"),
        "serving": ("player-play", "serving"),
        "retired": ("hourglass", "retired"),
        "archived": ("archive", "archived"),
        "purged": ("trash", "purged"),
    },
    "role": {
        "champion": ("crown", "champion"),
        "challenger": ("swords", "challenger"),
        "shadow": ("ghost", "shadow"),
    },
    "clearance": {
        "cleared": ("shield-check", "ok"),
        "conditional": ("shield-half", "warning"),
        "suspended": ("hand-stop", "breach"),
        "not_cleared": ("shield-x", "unknown"),
    },
    "recommend": {
        "keep": ("circle-check", "ok"),
        "investigate_data": ("eye", "warning"),
        "recalibrate": ("scale", "warning"),
        "retrain": ("refresh", "warning"),
        "replace": ("swords", "breach"),
        "retire": ("archive", "breach"),
    },
    "severity": {
        "info": ("info-circle", "info"),
        "low": ("info-circle", "info"),
        "minor": ("info-circle", "info"),
        "warning": ("alert-triangle", "warning"),
        "medium": ("alert-triangle", "warning"),
        "major": ("alert-hexagon", "warning"),
        "high": ("alert-hexagon", "breach"),
        "serious": ("alert-octagon", "breach"),
        "critical": ("alert-octagon", "breach"),
    },
    "tier": {
        "minimal": ("flag", "unknown"),
        "low": ("flag", "unknown"),
        "limited": ("flag", "info"),
        "medium": ("flag", "warning"),
        "high": ("flag", "breach"),
        "critical": ("flag", "breach"),
    },
    "request": {
        "open": ("clock", "info"),
        "approved": ("rosette-discount-check", "approved"),
        "executed": ("circle-check", "ok"),
        "failed": ("alert-octagon", "breach"),
        "rejected": ("circle-x", "breach"),
        "withdrawn": ("arrow-back-up", "unknown"),
    },
    "state": {
        "open": ("circle-dot", "breach"),
        "acknowledged": ("eye", "warning"),
        "resolved": ("circle-check", "ok"),
        "draft": ("edit", "unknown"),
        "earlier draft": ("edit", "unknown"),
        "published": ("circle-check", "ok"),
        "published earlier": ("history", "unknown"),
        "submitted": ("inbox", "info"),
        "pending": ("clock", "info"),
        "approved": ("rosette-discount-check", "approved"),
        "approve": ("thumb-up", "ok"),
        "rejected": ("circle-x", "breach"),
        "reject": ("thumb-down", "breach"),
        "withdrawn": ("arrow-back-up", "unknown"),
        "cancelled": ("circle-minus", "unknown"),
        "rolled_back": ("arrow-back-up", "warning"),
        "on": ("circle-check", "ok"),
        "off": ("circle-minus", "unknown"),
        "expired": ("hourglass", "unknown"),
        "answered": ("message", "warning"),
        "settled": ("circle-check", "ok"),
        "stale": ("history", "warning"),
        "supported": ("circle-check", "ok"),
        "contradicted": ("alert-octagon", "breach"),
        "stated": ("writing", "unknown"),
        "not judged": ("circle-dashed", "unknown"),
        "executing": ("refresh", "info"),
        "executed": ("circle-check", "ok"),
        "done": ("circle-check", "ok"),
        "checked": ("refresh", "info"),
        "watching": ("eye", "info"),
        "quiet": ("circle-check", "ok"),
        "broken": ("alert-octagon", "breach"),
        "cut_short": ("circle-minus", "unknown"),
        "failed": ("alert-octagon", "breach"),
        "dead": ("alert-octagon", "breach"),
        "queued": ("clock", "info"),
        "requested": ("clock", "info"),
        "sealed": ("archive", "ok"),
        "purging": ("refresh", "info"),
        "purged": ("trash", "unknown"),
        "confirmed": ("refresh", "info"),
        "restored": ("arrow-back-up", "ok"),
        "running": ("refresh", "info"),
        "passed": ("circle-check", "ok"),
        "nothing_to_do": ("circle-dot", "unknown"),
        "pass": ("circle-check", "ok"),
        "blocked": ("circle-x", "breach"),
        "fail": ("circle-x", "breach"),
        "waived": ("file-certificate", "warning"),
        "warning": ("alert-triangle", "warning"),
        "verified": ("fingerprint", "ok"),
        "notice": ("hourglass", "warning"),
        "ending": ("refresh", "info"),
        "lifted": ("arrow-back-up", "unknown"),
        "upheld": ("thumb-up", "ok"),
        "overruled": ("thumb-down", "warning"),
        "waiting": ("clock", "unknown"),
        "registered": ("circle-check", "ok"),
        "update_due": ("history", "warning"),
        "not_required": ("circle-minus", "unknown"),
        "active": ("circle-check", "ok"),
        "paused": ("circle-minus", "unknown"),
        "revoked": ("circle-x", "unknown"),
        "met": ("circle-check", "ok"),
        "partly": ("circle-dot", "warning"),
        "not": ("circle-x", "breach"),
        "not_applicable": ("circle-minus", "unknown"),
        "unassessed": ("circle-dashed", "unknown"),
        "proposed": ("help-circle", "info"),
        "outdated": ("history", "warning"),
        "lapsed": ("hourglass", "warning"),
        "holds": ("circle-check", "ok"),
        "unmeasured": ("circle-dashed", "unknown"),
        "missing": ("circle-dashed", "warning"),
        "in_force": ("circle-check", "ok"),
        "ended": ("hourglass", "unknown"),
        "coming": ("calendar", "info"),
        "in_progress": ("player-play", "info"),
        "closed": ("circle-check", "ok"),
        "reopened": ("refresh", "breach"),
        "asked": ("clock", "info"),
        "granted": ("file-certificate", "warning"),
        "refused": ("circle-x", "unknown"),
        "signed": ("circle-check", "ok"),
        "superseded": ("history", "unknown"),
    },
}
UNKNOWN = ("circle", "unknown")


def _look(family: str, value: object) -> tuple[str, str]:
    return LOOKS.get(family, {}).get(str(value), UNKNOWN)


def icon_of(value: object, family: str) -> str:
    """The icon of a word, for example `"ok"|badge_icon:"verdict"`."""
    return _look(family, value)[0]


def tone_of(value: object, family: str) -> str:
    """The tone of a word, for example `"ok"|badge_tone:"verdict"`."""
    return _look(family, value)[1]


PROOFS = {
    "password": "password",
    "password+totp": "password and one-time code",
    "passkey": "passkey, unlocked by its person",
    "sso": "single sign-on, made anew",
    "sso+totp": "single sign-on, made anew, and one-time code",
    "sso+mfa": "single sign-on, made anew with several factors",
}


def proved_by(value: object) -> str:
    """How somebody proved who they are at a signature, in words."""
    return PROOFS.get(str(value), spoken(value))


def spoken(value: object) -> str:
    """A stored word as it is read: `insufficient_data` becomes "insufficient data"."""
    return str(value if value is not None else "").replace("_", " ")
