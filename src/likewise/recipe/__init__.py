"""Every choice of a run, the presets, and the way from a person's words to a recipe."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.recipe.names import field_name
    from likewise.recipe.presets import PLAIN, complete, filled, pick, preset_named, rows
    from likewise.recipe.recipe import Recipe, seconds_of
    from likewise.recipe.start import Start, started_from
    from likewise.recipe.values import literal

__getattr__, __dir__ = lazy_face(__name__, __file__)
