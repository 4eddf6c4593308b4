"""What a gallery holds open, and that it gives it back: when closed, and when nobody needs it."""

import gc
import threading
from pathlib import Path

import numpy as np
import pytest

from likewise.errors import ForeignEmbedding, GalleryClosed
from likewise.gallery import Gallery
from likewise.stores import FAMILY as STORES
from likewise.stores.rows import Pin
from tests.gallery.test_gallery import PIN, drawn, one
from tests.places import place_of

HELD = Path("/proc/self/fd")


@pytest.fixture(params=STORES.names())
def place(request, tmp_path):
    made = place_of(request.param, tmp_path, request)
    with Gallery(made.pinned(PIN)) as first:
        first.enrol(drawn(30))
    yield made
    made.close()


def held(folder: Path) -> tuple[int, int]:
    """How many files and connections this process has open, and how many maps of the folder."""
    gc.collect()
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    return len([*HELD.iterdir()]), maps.count(str(folder))


def use(gallery: Gallery) -> None:
    """Ask so that all is open that can be, in two threads, and stop in the middle of reading."""

    def ask() -> None:
        assert len(gallery.search(one(np.ones(4)), 3)) == 3
        assert len(gallery.search(one(np.ones(4)), 3, approximate=True)) == 3
        assert len(next(gallery.rows()).ids) == 30
        assert gallery.identities() == 30

    other = threading.Thread(target=ask)
    other.start()
    ask()
    other.join()


needs_proc = pytest.mark.skipif(not HELD.exists(), reason="only Linux lists open files so")


@needs_proc
def test_closing_gives_all_back_and_says_nothing(place):
    before = held(place.folder)
    with Gallery(place.spec, pin=PIN) as gallery:
        use(gallery)
        assert held(place.folder)[0] > before[0]
    assert held(place.folder) == before
    gallery.close()


@needs_proc
def test_one_that_is_left_open_warns_with_its_place_and_leaks_nothing(place):
    before = held(place.folder)
    gallery = Gallery(place.spec, pin=PIN)
    use(gallery)
    name = str(place.folder / "things.db") if place.name == "sqlite" else place.table
    with pytest.warns(ResourceWarning) as caught:
        del gallery
    (warning,) = caught
    assert str(warning.message).startswith("unclosed gallery ")
    assert name in str(warning.message)
    assert str(warning.message).endswith(": close it, or open it in a with statement")
    assert held(place.folder) == before


def test_what_could_not_be_opened_warns_of_nothing(place):
    for wrong in (Pin("b" * 64, "euclidean", 4), Pin("a" * 64, "cosine", 4)):
        with pytest.raises(ForeignEmbedding, match=r"other model|those of"):
            Gallery(place.spec, pin=wrong)
    gc.collect()


def test_a_store_that_was_given_is_not_the_gallerys_to_warn_of(place):
    with place.pinned(PIN, writing=False) as store:
        assert Gallery(store).count() == 30
        gc.collect()
        assert store.state().count == 30


def test_what_is_asked_of_a_closed_one_is_refused(place):
    gallery = Gallery(place.pinned(PIN))
    use(gallery)
    rest = gallery.rows()
    gallery.close()
    gallery.close()
    for ask in (
        gallery.count,
        gallery.identities,
        gallery.compact,
        lambda: gallery.search(one(np.ones(4))),
        lambda: gallery.search(one(np.ones(4)), approximate=True),
        lambda: gallery.identify(one(np.ones(4))),
        lambda: gallery.get("row 3"),
        lambda: gallery.remove("row 3"),
        lambda: gallery.enrol(drawn(1, first=99)),
        lambda: next(rest),
    ):
        with pytest.raises(GalleryClosed, match="is used after it was closed") as caught:
            ask()
        assert "things.db" in str(caught.value) or "#t" in str(caught.value)
    with Gallery(place.spec, pin=PIN) as again:
        assert again.count() == 30
