"""Draw an auditor's sample of Ombud again: `python ombud_sample.py SAMPLE.json`.

Needs Python alone. SAMPLE.json is the answer of /api/v1/samples/{number}, or data/sample.json of a
bundle: it holds the whole population, the seed, and what was drawn.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any


def key(sample: dict[str, Any], number: int) -> str:
    lines = f"{sample['algorithm']}\n{sample['seed']}\n{sample['kind']}:{number}\n"
    return hashlib.sha256(lines.encode()).hexdigest()


def differences(sample: dict[str, Any]) -> list[str]:
    """What of the sample does not follow from its population and seed; nothing if all does."""
    names = "".join(f"{sample['kind']}:{number}\n" for number in sorted(sample["numbers"]))
    digest = hashlib.sha256(names.encode()).hexdigest()
    found = [] if digest == sample["population_digest"] else ["the population has another digest"]
    again = sorted(sample["numbers"], key=lambda number: key(sample, number))[: sample["size"]]
    told = [item["number"] for item in sorted(sample["items"], key=lambda one: one["position"])]
    if any(item["key"] != key(sample, item["number"]) for item in sample["items"]):
        found.append("an item has another key")
    return found if told == again else [*found, f"the sample would be {again}"]


if __name__ == "__main__":
    content = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    wrong = differences(content)
    drawn = f"{len(content['items'])} of {len(content['numbers'])}"
    told = f"WRONG: {'; '.join(wrong)}." if wrong else f"{drawn} drawn again: the same."
    sys.stdout.write(f"{told}\n")
    sys.exit(1 if wrong else 0)
