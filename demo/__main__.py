"""`python -m demo`: tells the demonstration's story through the public API of a running Ombud."""

import sys
import time
from pathlib import Path

from demo.cast import read_cast
from demo.client import ApiError
from demo.story import CHAPTERS


def main() -> int:
    var = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    cast = read_cast(var)
    if cast.olga.get("/models")["results"]:
        _say("An earlier load was interrupted: make clean-demo, then make demo again.")
        return 1
    began = time.monotonic()
    for number, (title, chapter) in enumerate(CHAPTERS, start=1):
        _say(f"  {number}/{len(CHAPTERS)} {title} …")
        started = time.monotonic()
        try:
            told = chapter(cast)
        except (ApiError, TimeoutError, RuntimeError) as error:
            _say(f"The demonstration stopped at: {title}.\n{error}")
            return 1
        _say(f"      {told} ({time.monotonic() - started:.0f} s)")
    _say(f"  The demonstration is loaded: {time.monotonic() - began:.0f} s.")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
