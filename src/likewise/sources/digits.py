"""scikit-learn's handwritten digits."""

from typing import final

import numpy as np

from likewise.errors import MissingExtra
from likewise.sources.base import Source
from likewise.types import Items


@final
class Digits(Source):
    """The 1,797 handwritten digits of 8x8 pixels that scikit-learn brings: ten known classes.

    Raises:
        MissingExtra: On reading, if scikit-learn is not installed.

    References:
        Alpaydin, Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998 (its test part).
        Departure: the values 0 to 16 are scaled to uint8, round(value * 255 / 16).
    """

    def items(self) -> Items:
        """The table of all digits; the identities are `0` to `9`."""
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise MissingExtra(
                "digits are scikit-learn's, which is not installed. "
                "Run: pip install 'likewise[evaluate]'"
            ) from error
        loaded = load_digits()
        images = np.rint(loaded.images * (255 / 16)).astype(np.uint8)
        return Items.build(
            "digits",
            [str(int(digit)) for digit in loaded.target],
            "image",
            [f"digits[{row}]" for row in range(len(images))],
            images.__getitem__,
        )
