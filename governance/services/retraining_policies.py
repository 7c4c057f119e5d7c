"""Letting a retraining policy work: another person signs it, and proves who they are."""

from accounts.models import User
from accounts.policies import require
from accounts.proofs import Proof
from governance.refusals import EvidenceChanged, NotOpen
from governance.services.proofs import prove, words
from monitoring.models import RetrainingPolicy
from monitoring.policies import can_let_retrain
from monitoring.services.retraining_policies import ONLY_APPROVERS, approve_policy
from monitoring.states import IllegalRetrainingMove, PolicyState

LONGEST_REASON = 500


def sign_retraining_policy(
    *, actor: User, policy_id: int, reason: str, digest: str, password: str | Proof
) -> RetrainingPolicy:
    """Approve a policy that was asked for; it works from now on.

    Raises:
        Refused: the actor may not approve it, or had a hand in it.
        SecondFactorNeeded, WrongPassword, TooManyAttempts: they did not prove who they are.
        EvidenceChanged, NotOpen, Incomplete: nothing was signed.
    """
    said = words("reason", reason, LONGEST_REASON)
    policy = RetrainingPolicy.objects.select_related("model").get(pk=policy_id)
    require(can_let_retrain(actor, policy), ONLY_APPROVERS)
    _require_as_read(policy, digest)
    method = prove(actor=actor, subject=policy, password=password, digest=digest)
    try:
        return approve_policy(actor=actor, policy_id=policy_id, reason=said, method=method)
    except IllegalRetrainingMove as error:
        raise NotOpen(str(error)) from error


def _require_as_read(policy: RetrainingPolicy, digest: str) -> None:
    """Asked for, and what was read; a version of a policy never changes, so once is enough."""
    if policy.state != PolicyState.ASKED:
        raise NotOpen(f"The policy is {policy.state}; nothing is left to sign.")
    if digest != policy.digest:
        raise EvidenceChanged("This is not the policy that you read. Read it again, then sign.")
