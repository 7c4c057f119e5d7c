"""Where the embedded servers keep their data, logs and notes: one folder, `var/` by default."""

import os
from dataclasses import dataclass
from pathlib import Path

from deploy.refusal import Refusal

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Places:
    """The folder `root` and what is where in it."""

    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def notes(self) -> Path:
        """One file per running process, read by the guardian and by the next start."""
        return self.root / "run"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def lock(self) -> Path:
        return self.root / "supervisor.lock"

    @property
    def static(self) -> Path:
        return self.root / "static"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def demo(self) -> Path:
        """The people of the demonstration with their passwords and tokens, mode 600."""
        return self.root / "demo.json"

    def data(self, name: str) -> Path:
        return self.root / name

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def make(self) -> None:
        """Create the folders, and show at once whether they can be written."""
        try:
            for folder in (self.root, self.logs, self.notes):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self.notes / f".written-by-{os.getpid()}"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise Refusal(
                f"Ombud cannot write to {self.root} ({error.strerror}). Give yourself write "
                "permission on it, or name another folder: OMBUD_VAR=/path make demo."
            ) from error
