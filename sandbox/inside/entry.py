"""The training code of a version: one module below its `code/` folder, imported only in here.

It holds `fit(rows, outcome, *, parameters, before=None)`, which gives a fitted estimator of
scikit-learn, and where the model takes other columns than are logged `features(rows)`, one row for
each. `before` is the champion's estimator, for those who learn on from it. `TRUSTED_TYPES` names
the classes beyond the usual ones that the saved model may be rebuilt from.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


class NoEntry(Exception):
    """The version's code does not hold what was asked for."""

    refused = True


def module_of(code: str, name: str) -> ModuleType | None:
    """The module `name` of the code folder; None where there is no such file."""
    path = Path(code) / f"{name}.py"
    if not name.isidentifier() or not path.is_file():
        return None
    # Modules beside it may be imported by it.
    sys.path.insert(0, str(path.parent))
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        return None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module


def needed(code: str, name: str) -> ModuleType:
    """The same where it has to be there.

    Raises:
        NoEntry: there is no such module, or it cannot fit.
    """
    module = module_of(code, name)
    if module is None:
        raise NoEntry(
            f"The version has no code/{name}.py, and no MLproject with an entry point {name}: "
            "nobody knows how to train it."
        )
    if not callable(getattr(module, "fit", None)):
        raise NoEntry(f"code/{name}.py has no function fit.")
    return module


def say(text: str) -> None:
    """A line for the log of the step, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
