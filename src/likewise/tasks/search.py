"""What is like this?"""

from pathlib import Path

from likewise.data import place_of, raw_of
from likewise.gallery import Gallery
from likewise.model import Model
from likewise.stores.rows import Match
from likewise.tasks.probing import probe_of
from likewise.types import Raw


def search(
    model: Model,
    gallery: str | Path | Gallery,
    item: str | Path | Raw,
    *,
    k: int = 10,
    where: str = "",
    approximate: bool = False,
) -> list[Match]:
    """The entries of a gallery that are nearest to an item, nearest first.

    Args:
        model: What embeds it.
        gallery: Its path, or the gallery.
        item: A file's path, the bytes of one, or an array.
        k: How many; fewer where there are fewer.
        where: What their metadata must be: `season = "winter"`; see `stores/where.py`.
        approximate: Whether the gallery's index may answer, which can miss some; without one of
            use the answer is exact.

    Raises:
        GalleryError: If the gallery cannot be used, or the condition cannot be read.
        ForeignEmbedding: If it is another model's.
        UnreadableItem: If the item cannot be decoded.
    """
    if not isinstance(gallery, Gallery):
        with Gallery(gallery, model, writing=False) as opened:
            return search(model, opened, item, k=k, where=where, approximate=approximate)
    probe = probe_of(model, raw_of(item), place_of(item, "the probe"))
    return gallery.search(probe, k, where or None, approximate=approximate)
