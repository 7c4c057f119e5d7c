"""The pictures in the document are those of the tables in code."""

import pytest
from django.core.management import CommandError, call_command

from governance.management.commands.draw_life_cycles import LIFE_CYCLES, drawn, redrawn
from registry.states import MOVES


def test_the_pictures_are_up_to_date(capsys):
    call_command("draw_life_cycles", "--check")
    assert f"{len(LIFE_CYCLES)} life cycles" in capsys.readouterr().out


def test_every_move_is_an_arrow():
    picture = drawn(MOVES)
    for (before, verb), after in MOVES.items():
        assert f"{before} --> {after}: {verb}" in picture
    assert picture.count("-->") == len(MOVES) + 2
    assert "[*] --> candidate" in picture
    assert "purged --> [*]" in picture


def test_a_life_cycle_without_a_place_is_missed():
    with pytest.raises(CommandError, match="no place for version"):
        redrawn("Nothing here.")
