"""What is like this?"""

from pathlib import Path

from likewise.data import as_item
from likewise.gallery import Gallery, Matches
from likewise.model import Model, as_model
from likewise.tasks.probing import probe_of


def search(
    model: Model | str | Path,
    gallery: str | Path | Gallery,
    item: object,
    *,
    k: int = 10,
    where: str = "",
    approximate: bool = False,
) -> Matches:
    """The entries of a gallery that are nearest to an item, nearest first.

    Args:
        model: What embeds it, or the path of its folder.
        gallery: Its path, or the gallery.
        item: The path of a file, the bytes of one, a PIL image, or an array.
        k: How many; fewer where there are fewer.
        where: What their metadata must be: `season = "winter"`; see `stores/where.py`.
        approximate: Whether the gallery's index may answer, which can miss some; without one of
            use the answer is exact.

    Raises:
        GalleryError: If the gallery cannot be used, or the condition cannot be read.
        ForeignEmbedding: If it is another model's.
        UnreadableItem: If the item cannot be decoded.

    Example:
        >>> import likewise
        >>> found = likewise.search("model", "people.db", "a.png", k=3)
        >>> len(found), found[0].distance <= found[1].distance
        (3, True)
    """
    model = as_model(model)
    if not isinstance(gallery, Gallery):
        with Gallery(gallery, model, writing=False) as opened:
            return search(model, opened, item, k=k, where=where, approximate=approximate)
    probe = probe_of(model, *as_item(item, model.kind, "the probe"))
    return gallery.search(probe, k, where or None, approximate=approximate)
