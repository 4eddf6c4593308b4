"""CEDAR: signatures of 55 people, and skilled forgeries of them."""

import re
from typing import final

from likewise.errors import EmptySource
from likewise.sources.base import Source
from likewise.sources.data_folder import find_data
from likewise.sources.files import FileOfRow, open_files
from likewise.types import Items

NAMES = ("cedar.zip", "cedar", "signatures.zip", "signatures")
SIGNATURE = re.compile(r"(?:^|/)(original|forgeries)_(\d{1,4})_(\d{1,4})\.(?:png|tif|tiff)$")
ORIGINS = {"original": "genuine", "forgeries": "forged"}


@final
class Cedar(Source):
    """Signatures of 55 people, 24 genuine ones of each and 24 skilled forgeries of them.

    It is read from `cedar.zip` (or a folder `cedar`) in the folder that LIKEWISE_DATA names. The
    page tells genuine from forged there, before any stroke is looked at: binarise, as in
    `image(size=64, binarise=True, crop=True)`.

    References:
        Kalera, Srihari, Xu, "Offline signature verification and identification using distance
        statistics", International Journal of Pattern Recognition and Artificial Intelligence 18,
        2004.
    """

    def items(self) -> Items:
        """The table of all signatures; the identities are like `writer07`, with an origin each.

        Raises:
            SourceNotFound: If LIKEWISE_DATA is not set or does not hold them.
            EmptySource: If there are no signatures in it.
            DamagedSource: If the archive is broken.
        """
        files = open_files(str(find_data("CEDAR signatures", *NAMES)))
        found = [(name, match) for name in files.names if (match := SIGNATURE.search(name))]
        if not found:
            raise EmptySource(
                f"{files.place} holds no signatures like full_org/original_7_12.png. "
                "Put the folders full_org and full_forg of the CEDAR signatures there."
            )
        return Items.build(
            "cedar",
            [f"writer{int(match[2]):02}" for _, match in found],
            "image",
            [files.place_of(name) for name, _ in found],
            FileOfRow(files, [name for name, _ in found]),
            origins=[ORIGINS[match[1]] for _, match in found],
        )
