"""Who is this?"""

from pathlib import Path

from likewise.data import place_of, raw_of
from likewise.gallery import Gallery, IdentificationRequest, Identified, Rule
from likewise.model import Model
from likewise.renamed import renamed_arguments
from likewise.tasks.probing import probe_of
from likewise.types import Raw


@renamed_arguments(rule="fusion")
def identify(
    model: Model,
    gallery: str | Path | Gallery,
    item: str | Path | Raw,
    *,
    fpir: float | None = None,
    prior_unknown: float = 0.5,
    fusion: Rule = "nearest",
    calibration: str = "default",
    candidates: int = 5,
) -> Identified:
    """Who an item shows, or that it shows nobody of the gallery; see `Gallery.identify`.

    Args:
        model: What embeds it.
        gallery: Its path, or the gallery.
        item: A file's path, the bytes of one, or an array.
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
    """
    request = IdentificationRequest(fpir, prior_unknown, fusion, calibration, candidates)
    return identify_item(model, gallery, item, request)


def identify_item(
    model: Model,
    gallery: str | Path | Gallery,
    item: str | Path | Raw,
    request: IdentificationRequest,
) -> Identified:
    """Say who an item shows by a request; see `identify`."""
    if not isinstance(gallery, Gallery):
        with Gallery(gallery, model, writing=False) as opened:
            return identify_item(model, opened, item, request)
    probe = probe_of(model, raw_of(item), place_of(item, "the probe"))
    return gallery.answer(probe, request)[0]
