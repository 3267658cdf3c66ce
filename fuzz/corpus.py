"""Unpacks what the fuzzer begins with, and packs what it has found.

    python3 corpus.py unpack FOLDER     the statements of tests/verdicts and corpus/*.jsonl, a file each
    python3 corpus.py pack FOLDER TARGET    the files that are not among those, into corpus/TARGET.jsonl
"""

import hashlib
import json
import pathlib
import sys
import tomllib

HERE = pathlib.Path(__file__).parent
CLIENTS = {"psql": "postgres", "mysql": "mysql", "sqlite3": "sqlite"}


def statements():
    """Yields target and text of each statement of tests/verdicts."""
    for file in (HERE.parent / "tests" / "verdicts").glob("*.toml"):
        table = tomllib.loads(file.read_text())
        if "hold" in table and table["client"] in CLIENTS:
            for text in table["hold"] + table["notice"] + table["allow"]:
                yield CLIENTS[table["client"]], text


def packed(target):
    """Returns the texts that earlier runs have found."""
    file = HERE / "corpus" / f"{target}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def unpack(folder):
    for target in CLIENTS.values():
        texts = [text for wanted, text in statements() if wanted == target] + packed(target)
        place = pathlib.Path(folder) / target
        place.mkdir(parents=True, exist_ok=True)
        for text in texts:
            (place / hashlib.sha1(text.encode()).hexdigest()).write_text(text)


def pack(folder, target):
    known = {text for wanted, text in statements() if wanted == target}
    files = [file.read_bytes().decode(errors="replace") for file in pathlib.Path(folder).iterdir()]
    lines = sorted({json.dumps(text, ensure_ascii=False) for text in files if text not in known}, key=lambda line: (len(line), line))
    (HERE / "corpus" / f"{target}.jsonl").write_text("".join(f"{line}\n" for line in lines))


{"unpack": unpack, "pack": pack}[sys.argv[1]](*sys.argv[2:])
