"""The abstract class of the sources."""

from abc import ABC, abstractmethod

from likewise.types import Items


class Source(ABC):
    """Where items come from."""

    @abstractmethod
    def items(self) -> Items:
        """The table of all items; none of them is decoded yet."""
