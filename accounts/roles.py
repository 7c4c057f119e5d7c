"""Roles as data: what each may do is said by the policies of the apps."""

from django.db import models


class Role(models.TextChoices):
    DEVELOPER = "developer", "developer"
    VALIDATOR = "validator", "validator"
    REVIEWER = "reviewer", "reviewer"
    RISK_OFFICER = "risk_officer", "risk officer"
    AUDITOR = "auditor", "auditor"
    ADMINISTRATOR = "administrator", "administrator"
    SERVICE_ACCOUNT = "service_account", "service account"


# Held for the whole organisation, never for one team only.
ORGANISATION_ROLES = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
# Whoever holds one signs, and may lend it to a colleague for some days.
SIGNING_ROLES = (Role.VALIDATOR, Role.REVIEWER, Role.RISK_OFFICER)
# A person who reads everything must not also change things: an auditor is independent.
EXCLUSIVE_ROLES = frozenset({Role.AUDITOR})


class Scope(models.TextChoices):
    """What a token may be used for; a person's roles still apply."""

    INGEST = "ingest", "send predictions and outcomes"
    READ = "read", "read everything its owner may read"
    MANAGE = "manage", "change what its owner may change"
    AUDIT = "audit", "draw samples, take exports, try rules on the past, note what was seen"
