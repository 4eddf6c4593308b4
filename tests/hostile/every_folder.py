"""Every hostile model folder."""

from collections.abc import Iterator
from pathlib import Path

from tests.hostile import damage, manifests, networks, notes, paths, transforms
from tests.hostile.folders import Case


def cases(intact: dict[str, Path], world: Path) -> Iterator[Case]:
    """Every hostile folder.

    Args:
        intact: The intact models by name: `images`, `series`, `matched` (one with a matcher).
        world: A folder that holds `secret.bin` and the hostile folders' parent.
    """
    yield from damage.flipped(intact)
    yield from damage.cut()
    yield from damage.missing()
    yield from paths.paths(world)
    yield from paths.links(world)
    yield from manifests.manifests()
    yield from networks.encoders(intact["images"], world)
    yield from networks.matchers(intact["matched"], world)
    yield from transforms.transforms()
    yield from transforms.specs(world)
    yield from notes.json_files()
    yield from notes.texts(world)
    yield from notes.weights(world)
