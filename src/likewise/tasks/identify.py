"""Who is this?"""

from pathlib import Path

from likewise.data import as_item
from likewise.gallery import Gallery, IdentificationRequest, Identified, Rule
from likewise.model import Model, as_model
from likewise.renamed import renamed_arguments
from likewise.tasks.probing import probe_of


@renamed_arguments(rule="fusion")
def identify(
    model: Model | str | Path,
    gallery: str | Path | Gallery,
    item: object,
    *,
    fpir: float | None = None,
    prior_unknown: float = 0.5,
    fusion: Rule = "nearest",
    calibration: str = "default",
    candidates: int = 5,
) -> Identified:
    """Who an item shows, or that it shows nobody of the gallery; see `Gallery.identify`.

    Args:
        model: What embeds it, or the path of its folder.
        gallery: Its path, or the gallery.
        item: The path of a file, the bytes of one, a PIL image, or an array.
        fpir: The share of strangers that may be taken for somebody.
        prior_unknown: How often a probe shows nobody of the gallery.
        fusion: How several templates are fused: `nearest`, `mean` or `centroid`.
        calibration: Which of the model's calibrations gives the probabilities.
        candidates: How many to name.

    Raises:
        GalleryError: If the gallery cannot be used.
        ForeignEmbedding: If it is another model's.
        UnsupportedRate: If a rate was asked for that the gallery cannot support.
        UnreadableItem: If the item cannot be decoded.

    Example:
        >>> import likewise
        >>> found = likewise.identify("model", "people.db", "a.png", fpir=0.1)
        >>> found.enrolled
        63
    """
    request = IdentificationRequest(fpir, prior_unknown, fusion, calibration, candidates)
    return identify_item(as_model(model), gallery, item, request)


def identify_item(
    model: Model,
    gallery: str | Path | Gallery,
    item: object,
    request: IdentificationRequest,
) -> Identified:
    """Say who an item shows by a request; see `identify`."""
    if not isinstance(gallery, Gallery):
        with Gallery(gallery, model, writing=False) as opened:
            return identify_item(model, opened, item, request)
    probe = probe_of(model, *as_item(item, model.kind, "the probe"))
    return gallery.answer(probe, request)[0]
