"""One item as the embedding that a gallery is asked with."""

from likewise.model import Model
from likewise.results import Embeddings
from likewise.types import Items, Raw


def probe_of(model: Model, raw: Raw, place: str) -> Embeddings:
    """The embedding of one item.

    Args:
        model: What embeds it.
        raw: The item.
        place: What an error calls it.

    Raises:
        UnreadableItem: If it cannot be decoded.
    """
    items = Items.build(place, [""], model.kind, [place], [raw].__getitem__)
    return Embeddings(model.embed_one(raw, place), model.fingerprint, items)
