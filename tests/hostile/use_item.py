"""A process that reads hostile items and sources, and says what came of each.

It answers each line of JSON (what to read, and as what) with one of its own.
"""

import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from likewise.data.item import as_item
from likewise.errors import LikewiseError
from likewise.io import bounded
from likewise.sources import FAMILY, npz
from likewise.transforms.image import ImageTransform
from likewise.transforms.series import SeriesTransform
from tests.hostile.guard import Watch, attempt, bound, peak_megabytes, sensible
from tests.hostile.items import SIZE

SPACE_MEGABYTES = 2500
ARRAYS_BYTES = 1 << 28
TRANSFORMS = {
    "image": ImageTransform(size=SIZE, color=True),
    "series": SeriesTransform("none"),
}


def item(path: str, kind: str) -> list[Any]:
    """Read one item as `likewise verify` does."""
    # The file of a person's own, and its place, as the task takes them.
    raw, place = as_item(path, TRANSFORMS[kind].kind, "")
    return TRANSFORMS[kind].decode(raw, place).astype(float).tolist()


def source(spec: str) -> dict[str, Any]:
    """Read all items of a source, and write its names as a table would hold them."""
    items = FAMILY.build(spec).items()
    read, refused = 0, []
    for row in range(len(items)):
        place = str(items.places[row])
        try:
            TRANSFORMS[str(items.kinds[row])].decode(items.read(row), place)
            read += 1
        except LikewiseError as error:
            refused.append([type(error).__name__, str(error), sensible(error)])
    names = io.StringIO()
    rows = list(zip(items.places.tolist(), items.identities.tolist(), strict=True))
    csv.writer(names).writerows(rows)
    names.getvalue().encode()
    for place, identity in rows:
        if not (place + identity).isprintable():
            raise AssertionError(f"a name that cannot be shown: {place!r} {identity!r}")
    if list(map(tuple, csv.reader(io.StringIO(names.getvalue())))) != rows:
        raise AssertionError("the table of names does not read as it was written")
    items.namespace.encode()
    return {"read": read, "refused": refused[:5], "refusals": len(refused), "items": len(items)}


def main() -> None:
    fence, allowed = Path(sys.argv[1]), Path(sys.argv[2])
    npz.memory_bytes = lambda: int(ARRAYS_BYTES / npz.MEMORY_SHARE)
    watch = Watch(fence, allowed)
    bound(SPACE_MEGABYTES)
    for line in sys.stdin:
        plain = json.loads(line)
        way, what = plain["way"], plain["what"]
        peak_megabytes(reset=True)
        before = peak_megabytes()
        watch.on = plain["watched"]
        if way == "source":
            done = attempt(lambda spec=what: source(spec))
        else:
            kind = "image" if way == "image" else "series"
            done = attempt(lambda path=what, kind=kind: item(path, kind))
        watch.on = False
        grown = peak_megabytes() - before
        answer = {"done": done, "seen": watch.seen, "grown_mb": grown}
        watch.seen = []
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    assert bounded.LARGEST_ITEM_BYTES <= 2**28
    np.seterr(all="raise")
    main()
