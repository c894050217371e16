"""Files and folders of servers, which run as another user when root starts them."""

import os
import secrets
from pathlib import Path

from deploy.local.processes import server_user


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step by one that only its owner reads."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def secret(file: Path) -> str:
    """Return the password that a file holds, made at the first use for its server alone to read."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_for_server(file, secrets.token_hex(16))
    return file.read_text(encoding="ascii")


def write_for_server(path: Path, text: str) -> None:
    """Replace a file by one that only the servers' user reads."""
    write_private(path, text)
    if user := server_user():
        os.chown(path, user.pw_uid, user.pw_gid)


def own(directory: Path) -> Path:
    """Create a folder owned by the servers' user; its parents, and files put there, belong to the current user."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    if user := server_user():
        os.chown(directory, user.pw_uid, user.pw_gid)
    return directory
