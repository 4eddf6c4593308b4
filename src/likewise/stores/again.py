"""A store that was sent to another process, which opens it again there."""

from collections.abc import Callable

from likewise.errors import GalleryUnreachable
from likewise.stores.base import Store
from likewise.stores.rows import Pin, check_same_pin


def opened_again(
    kind: Callable[..., Store], place: tuple[object, ...], pin: Pin, writing: bool
) -> Store:
    """The store that was sent here by its place; what a pickle of it calls.

    Args:
        kind: Its class.
        place: The arguments that say where it is, without a password.
        pin: What its vectors were of where it was sent.
        writing: Whether anything may be written.

    Raises:
        GalleryNotFound: If it is not there any more; it is not made anew.
        GalleryUnreachable: If its server lets nobody in without a password.
        ForeignEmbedding: If it went over to another model meanwhile.
    """
    try:
        # With the pin it would be made where it is gone.
        store = kind(*place, writing=writing)
    except GalleryUnreachable as error:
        raise GalleryUnreachable(
            f"{error} A password in the address does not go to other processes: set PGPASSWORD, or "
            "write it into ~/.pgpass there."
        ) from error
    try:
        check_same_pin(str(store), store.state().pin, pin)
    except BaseException:
        store.close()
        raise
    store.unpickled = True
    return store
