import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from likewise.errors import BadArgument, DamagedModel, Leak
from likewise.model.leakage import LeakageRecord
from likewise.shapes import Array
from likewise.types import Claim, Items, Role

NEW, KNOWN = Claim.NEW_IDENTITIES, Claim.KNOWN_CLASSES


def never_read(_: int) -> bytes:
    raise AssertionError("nothing is read here")


def table(labels: Sequence[str], namespace: str = "faces") -> Items:
    places = [f"{label or 'nobody'}/{row}.png" for row, label in enumerate(labels)]
    return Items.build(namespace, labels, "image", places, never_read)


def pixels(*seeds: int) -> list[Array]:
    return [
        np.random.default_rng(seed).integers(0, 256, (1, 4, 4), dtype=np.uint8) for seed in seeds
    ]


def learned(claim: Claim = NEW) -> LeakageRecord:
    return LeakageRecord.of(
        claim,
        {
            Role.TRAIN: (table(["ann", "ann", "bob"]), pixels(0, 1, 2)),
            Role.SELECT: (table(["cat"]), pixels(3)),
            Role.CALIBRATE: (table(["dan", ""]), pixels(4, 5)),
            Role.TEST: (table(["eve"]), pixels(6)),
        },
    )


def test_three_roles_are_remembered_each_by_itself() -> None:
    memory = learned()
    assert {role: len(hashes) for role, hashes in memory.identities.items()} == {
        "train": 2,
        "select": 1,
        "calibrate": 1,
    }
    assert {role: len(hashes) for role, hashes in memory.items.items()} == {
        "train": 3,
        "select": 1,
        "calibrate": 2,
    }
    everything = [*memory.identities.values(), *memory.items.values()]
    assert all(len(digest) == 16 for hashes in everything for digest in hashes)
    assert len(frozenset().union(*everything)) == 10


def test_the_salt_differs_and_with_it_every_hash() -> None:
    first, second = learned(), learned()
    assert first.salt != second.salt
    assert not first.identities["train"] & second.identities["train"]
    assert not first.items["train"] & second.items["train"]


def test_json_and_back() -> None:
    memory = learned(KNOWN)
    data = memory.to_json()
    assert LeakageRecord.from_json(data) == memory
    assert not any(word in data for word in (b"ann", b"faces", b"png"))


@pytest.mark.parametrize("purpose", ["evaluate", "calibrate"])
@pytest.mark.parametrize("claim", [NEW, KNOWN])
def test_new_items_of_new_identities_pass(claim: Claim, purpose: Any) -> None:
    memory = LeakageRecord.from_json(learned(claim).to_json())
    memory.check(table(["eve", "fay"]), pixels(6, 7), purpose=purpose)


@pytest.mark.parametrize(
    ("label", "role"), [("ann", "train"), ("cat", "select"), ("dan", "calibrate")]
)
def test_an_identity_leaks_under_new_identities_only(label: str, role: str) -> None:
    fresh = table([label, "eve"]), pixels(10, 11)
    with pytest.raises(Leak, match=rf"of 2 identities .*1 identity \({label}\) seen in {role}\. L"):
        learned().check(*fresh, purpose="evaluate")
    learned(KNOWN).check(*fresh, purpose="evaluate")


@pytest.mark.parametrize("claim", [NEW, KNOWN])
@pytest.mark.parametrize(("seed", "role"), [(2, "train"), (3, "select"), (4, "calibrate")])
def test_a_repacked_item_leaks_under_both_claims(seed: int, role: str, claim: Claim) -> None:
    renamed = table(["eve", "fay"], namespace="other"), pixels(10, seed)
    with pytest.raises(Leak, match=rf"2 items in 'other', 1 item \(fay/1.png\) seen in {role}\. L"):
        learned(claim).check(*renamed, purpose="evaluate")


def test_calibrating_again_on_what_calibrated_is_no_leak() -> None:
    again = table(["dan", ""]), pixels(4, 5)
    learned().check(*again, purpose="calibrate")
    with pytest.raises(Leak, match=r"cannot evaluate .*seen in calibrate"):
        learned().check(*again, purpose="evaluate")
    for label, seed, role in (("ann", 0, "train"), ("cat", 3, "select")):
        with pytest.raises(Leak, match=f"cannot calibrate on .*seen in {role}"):
            learned().check(table([label]), pixels(seed), purpose="calibrate")


def test_the_message_counts_and_names_each_role() -> None:
    mixed = table(["ann", "ann", "cat", "eve"]), pixels(0, 20, 3, 21)
    with pytest.raises(Leak, match="cannot evaluate") as caught:
        learned().check(*mixed, purpose="evaluate")
    assert str(caught.value) == (
        "cannot evaluate on data that the model learned from: of 3 identities and 4 items in "
        "'faces', 1 identity (ann) and 1 item (ann/0.png) seen in train; 1 identity (cat) and "
        "1 item (cat/2.png) seen in select. Leave these out, or use --allow-overlap "
        "(allow_overlap=True) and trust no rate."
    )


def test_at_most_ten_are_named() -> None:
    labels = [f"person{number:02}" for number in range(11)]
    memory = LeakageRecord.of(NEW, {Role.TRAIN: (table(labels), pixels(*range(11)))})
    match = r"11 identities \(person00, .*, person09, \.\.\.\) and 11 items \(person00/0"
    with pytest.raises(Leak, match=match) as caught:
        memory.check(table(labels), pixels(*range(11)), purpose="evaluate")
    assert "person10" not in str(caught.value)


def test_the_same_label_elsewhere_is_somebody_else() -> None:
    learned().check(table(["ann"], namespace="voices"), pixels(10), purpose="evaluate")


def test_items_without_a_label_are_matched_by_their_content_only() -> None:
    learned().check(table(["", ""]), pixels(10, 11), purpose="evaluate")
    with pytest.raises(Leak, match=r"1 item \(nobody/0.png\) seen in calibrate"):
        learned().check(table([""]), pixels(5), purpose="evaluate")


@pytest.mark.parametrize(
    ("change", "leaks"),
    [
        (lambda a: a.copy(), True),
        (np.asfortranarray, True),
        (lambda a: a.astype(a.dtype.newbyteorder(">")), True),
        (lambda a: a.reshape(3, 2), False),
        (lambda a: a.view(np.int32), False),
        (lambda a: a + np.float32(1e-6), False),
    ],
)
def test_shape_type_and_bytes_make_the_item(change: Callable[[Array], Array], leaks: bool) -> None:
    series = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    memory = LeakageRecord.of(NEW, {Role.TRAIN: (table(["ann"]), [series])})
    try:
        memory.check(table(["eve"]), [change(series)], purpose="evaluate")
    except Leak:
        assert leaks
    else:
        assert not leaks


def test_arrays_may_come_one_by_one() -> None:
    def stream(*seeds: int) -> Iterator[Array]:
        yield from pixels(*seeds)

    memory = LeakageRecord.of(NEW, {Role.TRAIN: (table(["ann", "bob"]), stream(0, 1))})
    with pytest.raises(Leak, match=r"1 item \(eve/0.png\) seen in train"):
        memory.check(table(["eve"]), stream(1), purpose="evaluate")


def test_each_item_has_one_array() -> None:
    with pytest.raises(BadArgument, match="3 decoded arrays came with 2 items of 'faces', and one"):
        LeakageRecord.of(NEW, {Role.TRAIN: (table(["ann", "bob"]), pixels(0, 1, 2))})
    with pytest.raises(BadArgument, match="1 decoded arrays came with 2 items of 'faces'"):
        learned().check(table(["eve", "fay"]), pixels(10), purpose="evaluate")


def with_(**changes: Any) -> bytes:
    return json.dumps({**json.loads(learned().to_json()), **changes}).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe\x00", "is no JSON"),
        (b"[" * 100_000, "is nested in another way than it was written"),
        (b'{"salt": ' + b"9" * 5000 + b"}", "is no JSON"),
        (b"null", "does not hold exactly claim, salt"),
        (b"{}", "does not hold exactly claim, salt"),
        (with_(extra=1), "does not hold exactly claim, salt"),
        (with_(claim="everyone"), "a claim that is none of new_identities, known_classes"),
        (with_(claim=["new_identities"]), "a claim that is none of"),
        (with_(salt=""), "a salt that is not 32 hex digits"),
        (with_(salt=7), "a salt that is not 32 hex digits"),
        (with_(identities=[]), "has identities that are no table of train, select, calibrate"),
        (with_(identities={"test": []}), "has identities that are no table of"),
        (with_(items={"train": {}}), "has items.train that is no list of hashes"),
        (with_(items={"train": [1]}), "has items.train that is no list of hashes"),
        (with_(items={"train": ["0" * 15]}), "has items.train that is no list of hashes"),
        (with_(items={"train": []}), "has other roles under identities than under items"),
    ],
    ids=range(17),
)
def test_what_was_not_written_by_it_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(DamagedModel, match=f"trained_on.json .*{message}.*Copy the model again"):
        LeakageRecord.from_json(data)


def test_no_bytes_raise_a_foreign_error() -> None:
    draw = random.Random(11)
    whole = learned().to_json()
    refused = 0
    for _ in range(500):
        flipped = bytearray(whole[: draw.randrange(len(whole)) if draw.random() < 0.3 else None])
        if flipped:
            flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
        try:
            LeakageRecord.from_json(bytes(flipped))
        except DamagedModel:
            refused += 1
    assert 150 < refused < 500


def test_a_name_costs_its_guesser_time_and_the_owner_little():
    from likewise.model import leakage

    names = [f"person {one}" for one in range(2000)]
    table = Items.build("people", names, "image", names, lambda _: np.zeros(1))
    started = time.perf_counter()
    hashes = leakage._identities("a" * 32, table, leakage.NAME_COST)
    # 10,000 in 5 seconds, on a machine that does other things, too.
    assert time.perf_counter() - started < 3
    assert len(set(hashes.values())) == 2000
    expected = hashlib.scrypt(
        b"people/person 7", salt=b"a" * 32, n=leakage.NAME_COST, r=8, p=1, dklen=8
    )
    assert hashes["person 7"] == expected.hex()
