"""Pack Omniglot's first minimal background set into the file that ships with the package.

LIKEWISE_DATA=... python -m benchmarks.pack_characters [--out characters.bin]

The file is one line of JSON (names, drawers, size in pixels), then zlib-compressed bits, each
row of a drawing filled up to whole bytes (which zlib packs a fifth smaller than rows that run on),
1 for ink. The pixels depend on nothing but the archive; the compressed bytes may differ between
versions of zlib.
"""

import argparse
import io
import json
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from likewise.sources.omniglot import Omniglot

OUT = Path(__file__).parent.parent / "src" / "likewise" / "sources" / "data" / "characters.bin"


def main() -> None:
    """Pack the archive and say how large the result is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    items = Omniglot("small1").items()
    numbers: dict[str, str] = {}
    for identity, place in zip(items.identities.tolist(), items.places.tolist(), strict=True):
        numbers.setdefault(identity, Path(place).name.partition("_")[0])
    pixels = np.stack(
        [np.asarray(Image.open(io.BytesIO(items.read(row)))) for row in range(len(items))]
    )
    drawers = len(items) // len(numbers)
    size = pixels.shape[1]
    for row, place in enumerate(items.places.tolist()):
        if not place.endswith(f"_{row % drawers + 1:02}.png"):
            raise SystemExit(f"{place}: {drawers} drawings of every character are expected.")
    header = {"names": list(numbers.items()), "drawers": drawers, "size": size}
    packed = np.packbits(pixels == 0, axis=2)
    line = json.dumps(header, separators=(",", ":")).encode()
    data = line + b"\n" + zlib.compress(packed.tobytes(), 9)
    out.write_bytes(data)
    print(f"{out}: {len(data)} bytes, {len(items)} drawings of {len(numbers)} characters")


if __name__ == "__main__":
    main()
