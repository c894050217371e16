"""Counts of the rows of a load: read, stored, mended, refused and why."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class FileReport:
    """The rows of one file. Each one read is either stored or refused; ``mended`` ones are among the stored."""

    file: str
    read: int = 0
    stored: int = 0
    mended: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def refuse(self, reason: str, rows: int) -> None:
        """Count rows as refused instead of stored."""
        self.stored -= rows
        self.refused[reason] += rows


@dataclass(frozen=True)
class Report:
    """The files of one load."""

    files: list[FileReport]

    def as_json(self) -> str:
        """``{"files": {name: {"read", "stored", "mended": int, "refused": {reason: int}}}}``."""
        files = {
            f.file: {"read": f.read, "stored": f.stored, "mended": f.mended, "refused": dict(f.refused)}
            for f in self.files
        }
        return json.dumps({"files": files}, indent=2)

    def as_table(self) -> str:
        """The same for people, with the reasons at the end of the line."""
        lines = [f"{'file':14}{'read':>12}{'stored':>12}{'mended':>12}{'refused':>12}"]
        for f in self.files:
            counts = "".join(f"{count:12,}" for count in (f.read, f.stored, f.mended, f.refused.total()))
            reasons = "; ".join(f"{rows:,}: {reason}" for reason, rows in f.refused.items())
            lines.append(f"{f.file:14}{counts}  {reasons}".rstrip())
        return "\n".join(lines)
