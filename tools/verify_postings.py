"""Check a file of postings that the product exported. Standard library only; needs nothing of the product.

    python3 verify_postings.py postings-2026-11-24.zip [--keys FOLDER]

Checked: the file's own SHA-256 and the digest chain of its rows against the manifest; that every account's
rows are numbered without a gap, follow one another (each row names the hash of the row before) and carry
the running balance; that every transfer sums to zero, but for those the manifest names as having a side
outside the file. With the folder of chain keys (held apart from the data) the keyed hashes are recomputed
too. Prints each break; exit code 1 when there is one, 2 when the file cannot be read.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import hmac
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

FORMAT = "shanzhi postings 1"
TEXTS = ("account_kind", "owner_type", "kind", "key", "reference_type", "memo")
GENESIS = "0" * 64
MOST_SHOWN = 50


def breaks_of(archive: zipfile.ZipFile, keys: dict[str, bytes]) -> Iterator[str]:
    """Every place where the file does not hold, in words."""
    manifest = json.loads(archive.read("manifest.json"))
    if manifest.get("format") != FORMAT:
        yield f"the format is {manifest.get('format')!r}, not {FORMAT!r}"
        return
    with archive.open("postings.csv") as stream:
        digest = hashlib.sha256()
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != manifest["sha256"]:
        yield "the file's SHA-256 differs from its manifest"
    with archive.open("postings.csv") as stream:
        yield from _rows(csv.reader(io.TextIOWrapper(stream, "utf-8", newline="")), manifest, keys)


def _rows(reader: Iterator[list[str]], manifest: dict, keys: dict[str, bytes]) -> Iterator[str]:
    heads = next(reader, [])
    if not heads or heads[-1] != "row_digest":
        yield "the columns are not those of an export"
        return
    chain, count, total = GENESIS, 0, 0
    account, seq, balance, previous = "", 0, 0, GENESIS
    transfers: dict[str, int] = {}
    for number, cells in enumerate(reader, 2):
        count += 1
        expected = row_digest(chain, cells[:-1])
        if cells[-1] != expected:
            yield f"row {number}: its digest does not follow from the rows before"
        chain = cells[-1]
        row = dict(zip(heads, cells, strict=False))
        amount = int(row["amount_fen"])
        total += amount
        transfers[row["transfer_id"]] = transfers.get(row["transfer_id"], 0) + amount
        if row["account_id"] != account:
            account, seq, balance, previous = row["account_id"], 0, 0, GENESIS
        seq, balance = seq + 1, balance + amount
        if int(row["seq"]) != seq:
            yield f"row {number}: account {account} should go on with number {seq}, not {row['seq']}"
            seq = int(row["seq"])
        if int(row["balance_after_fen"]) != balance:
            yield f"row {number}: account {account} #{seq} has balance {row['balance_after_fen']}, the rows say {balance}"
            balance = int(row["balance_after_fen"])
        if row["prev_hash"] != previous:
            yield f"row {number}: account {account} #{seq} does not follow the row before it"
        previous = row["hash"]
        if keys and not is_genuine(row, keys):
            yield f"row {number}: account {account} #{seq} does not match its keyed hash"
    if chain != manifest["last_row_digest"]:
        yield "the last row is not the one the manifest names"
    if count != manifest["rows"]:
        yield f"{count} rows; the manifest says {manifest['rows']}"
    if total != manifest["sum_fen"]:
        yield f"the amounts sum to {total} fen; the manifest says {manifest['sum_fen']}"
    outside = {str(item) for item in manifest["transfers_with_a_side_outside"]}
    for transfer, amount in transfers.items():
        if amount and transfer not in outside:
            yield f"transfer {transfer} sums to {amount} fen, not to zero"


def row_digest(previous: str, cells: list[str]) -> str:
    text = json.dumps(cells, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def is_genuine(row: dict[str, str], keys: dict[str, bytes]) -> bool:
    """Whether the keyed hash of a posting is what its key gives for the row."""
    number, _, hexadecimal = row["hash"].partition(":")
    if number not in keys:
        return False
    text = f"{row['prev_hash']}\n{canonical(row)}".encode()
    return hmac.compare_digest(hexadecimal, hmac.new(keys[number], text, hashlib.sha256).hexdigest())


def canonical(row: dict[str, str]) -> str:
    """The posting and its transfer as the product hashed them: sorted keys, no spaces."""
    plain = {
        name: value[1:] if name in TEXTS and value.startswith("'") else value for name, value in row.items()
    }
    at = datetime.fromisoformat(row["posted_at"]).astimezone(UTC).isoformat(timespec="microseconds")
    transfer = {
        "kind": plain["kind"],
        "key": plain["key"],
        "reference_type": plain["reference_type"],
        "reference_id": int(row["reference_id"]),
        "reverses_id": int(row["reverses_id"]) if row["reverses_id"] else None,
        "memo": plain["memo"],
        "posted_at": at,
        "posted_by": int(row["posted_by"]) if row["posted_by"] else None,
    }
    if row["booked_on"]:
        transfer["booked_on"] = row["booked_on"]
    content = {
        "account_id": int(row["account_id"]),
        "seq": int(row["seq"]),
        "transfer_id": int(row["transfer_id"]),
        "transfer": transfer,
        "amount": int(row["amount_fen"]),
        "balance_after": int(row["balance_after_fen"]),
        "posted_at": at,
        "prev_hash": row["prev_hash"],
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="verify_postings.py", description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--keys", type=Path, help="folder of chain-N.key files")
    options = parser.parse_args(words)
    keys = (
        {path.stem.removeprefix("chain-"): path.read_bytes() for path in options.keys.glob("chain-*.key")}
        if options.keys
        else {}
    )
    found = 0
    try:
        with zipfile.ZipFile(options.file) as archive:
            for found, sentence in enumerate(breaks_of(archive, keys), 1):
                if found <= MOST_SHOWN:
                    print(sentence)
            rows = json.loads(archive.read("manifest.json")).get("rows")
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        print(f"{options.file} cannot be read: {error}")
        return 2
    if found:
        print(f"{found} break(s)")
        return 1
    print(f"{rows} postings: every chain holds and every transfer sums to zero")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
