"""`manage.py draw_life_cycles`: draws the life cycles in docs/lifecycle.md from the tables in code.

Each picture is Mermaid, which code hosts draw.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance import retirement_states as retirement
from governance import states as governance
from monitoring import states as monitoring
from registry import states as registry

BEGIN, END = "<!-- drawn: {} -->", "<!-- end -->"
LIFE_CYCLES: dict[str, Mapping[Any, Any]] = {
    "version": registry.MOVES,
    "change request": governance.REQUEST_MOVES,
    "retraining policy": monitoring.POLICY_MOVES,
    "retraining": monitoring.RETRAINING_MOVES,
    "step of a retraining": monitoring.STEP_MOVES,
    "rollout": monitoring.ROLLOUT_MOVES,
    "retirement": retirement.RETIREMENT_MOVES,
    "step of a retirement": retirement.STEP_MOVES,
    "registration": retirement.REGISTRATION_MOVES,
}


def drawn(moves: Mapping[Any, Any]) -> str:
    """One life cycle as a Mermaid state diagram: every move of the table, and no other."""
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR"]
    reached = {str(after) for (before, _), after in moves.items() if before != after}
    starts = dict.fromkeys(str(before) for before, _ in moves if str(before) not in reached)
    ends = dict.fromkeys(sorted(reached - {str(before) for before, _ in moves}))
    lines += [f"    [*] --> {state}" for state in starts]
    lines += [
        f"    {before} --> {after}: {verb.replace('_', ' ')}"
        for (before, verb), after in moves.items()
    ]
    lines += [f"    {state} --> [*]" for state in ends]
    return "\n".join([*lines, "```"])


def redrawn(text: str) -> str:
    """The document with every picture between its marks drawn anew.

    Raises:
        CommandError: a life cycle has no place in the document.
    """
    for name, moves in LIFE_CYCLES.items():
        mark = BEGIN.format(name)
        if mark not in text:
            raise CommandError(f"There is no place for {name}: write {mark} and {END} there.")
        before, _, rest = text.partition(mark)
        _, _, after = rest.partition(END)
        text = f"{before}{mark}\n{drawn(moves)}\n{END}{after}"
    return text


class Command(BaseCommand):
    help = "Draw the life cycles in docs/lifecycle.md from the tables in code."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Only say whether it is old")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.ROOT / "docs" / "lifecycle.md"
        text = path.read_text()
        new = redrawn(text)
        if options["check"] and new != text:
            raise CommandError("The pictures are old: make manage ARGS=draw_life_cycles")
        if not options["check"]:
            path.write_text(new)
        self.stdout.write(f"{len(LIFE_CYCLES)} life cycles")
