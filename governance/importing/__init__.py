"""Cards of other tools: read under bounds, field by field, before anything is written. Pure."""

from governance.importing.files import LARGEST, read_card
from governance.importing.found import BadCard, Foreign, Lost, Part, Place, Stated

__all__ = ["LARGEST", "BadCard", "Foreign", "Lost", "Part", "Place", "Stated", "read_card"]
