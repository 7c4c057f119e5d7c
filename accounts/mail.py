"""Mail to people, where the installation has a mail server. Nothing waits for it long."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail

log = logging.getLogger(__name__)


def is_set_up() -> bool:
    return bool(settings.MAIL)


def send(*, to: str, subject: str, text: str) -> bool:
    """Whether the mail server has taken it; whoever asks has another way if it has not."""
    if not is_set_up():
        return False
    try:
        return bool(send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [to]))
    except (SMTPException, OSError) as error:
        log.warning("mail to %s was not taken: %s", to, error)
        return False
