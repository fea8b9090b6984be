"""Sealing what must not lie in the database in clear: account and identity numbers, second factors, payment files.

Each purpose has its own key: a secret of this instance, in its folder ``keys``, outside the database.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet
from flask import current_app


def seal(purpose: str, data: bytes) -> str:
    """The data encrypted and authenticated under the key of ``purpose``."""
    return _cipher(purpose).encrypt(data).decode()


def unseal(purpose: str, sealed: str) -> bytes:
    """What was sealed. Raises ``cryptography.fernet.InvalidToken`` for anything else."""
    return _cipher(purpose).decrypt(sealed.encode())


def _cipher(purpose: str) -> Fernet:
    return Fernet(_key(purpose))


def _key(purpose: str) -> bytes:
    cached = current_app.extensions.get(f"{purpose}_key")
    if cached is None:
        path = Path(current_app.instance_path) / "keys" / f"{purpose}.key"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            draft = path.with_suffix(f".{secrets.token_hex(6)}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(Fernet.generate_key())
            # Two processes starting at once: the first link stays, the second uses it.
            with suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        cached = current_app.extensions[f"{purpose}_key"] = path.read_bytes()
    return cached


def fingerprint(purpose: str, data: bytes) -> str:
    """A keyed hash (HMAC-SHA256) of the data: the same data is found again without unsealing anything, and
    nobody without the key finds it by trying all there are.
    """
    return hmac.new(_key(purpose), data, hashlib.sha256).hexdigest()
