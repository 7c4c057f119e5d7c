from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    WholeNumberField = models.Field[int, int]
else:
    WholeNumberField = models.Field


class TransactionIdField(WholeNumberField):
    """PostgreSQL's full transaction number (xid8), which does not wrap around."""

    description = "Transaction number"

    def db_type(self, connection: Any) -> str:
        return "xid8"

    def get_prep_value(self, value: Any) -> Any:
        # As text: PostgreSQL knows no cast from a number to a transaction number.
        return str(value) if isinstance(value, int) else super().get_prep_value(value)

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> int | None:
        return None if value is None else int(value)


class CurrentTransaction(models.Func):
    """The number of the transaction that writes the row."""

    function = "pg_current_xact_id"
    arity = 0
    output_field = TransactionIdField()
