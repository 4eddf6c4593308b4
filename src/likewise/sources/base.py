"""The abstract class of the sources."""

from abc import ABC, abstractmethod

from likewise.types import Items


class Source(ABC):
    """Where items come from.

    Example:
        >>> from likewise.sources import FAMILY
        >>> items = FAMILY.build("characters").items()
        >>> len(items), items.kind
        (2720, 'image')
    """

    @abstractmethod
    def items(self) -> Items:
        """The table of all items; none of them is decoded yet."""
