"""The research data that sources read: on what terms, where it is published and where it is now."""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from likewise.registry import unknown
from likewise.sources.data_folder import VARIABLE, cache_folder, first_in, named_folder

Where: TypeAlias = Literal["LIKEWISE_DATA", "cache", "folder", "shipped", "altered", "missing"]


@dataclass(frozen=True)
class File:
    """One file as its authors publish it.

    Attributes:
        name: Its path below the folder of data.
        address: Where it is published, relative to the base address of its set.
        size_bytes: Its length.
        sha256: Its checksum, in hexadecimal.
    """

    name: str
    address: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """What one source reads, and on what terms.

    Attributes:
        name: That of the source.
        licence: The terms, in a few words.
        home: Where to read about it, and to get it by hand.
        base: The address that those of the files are relative to.
        files: What is fetched; empty where nothing is, for the reason in `advice`.
        names: Paths below the folder of data of which a person puts one there by hand.
        package: The installed package that brings it.
        package_bytes: What it weighs there.
        advice: Why nothing is fetched, and what to do instead.
    """

    name: str
    licence: str
    home: str
    base: str = ""
    files: tuple[File, ...] = ()
    names: tuple[str, ...] = ()
    package: str = ""
    package_bytes: int = 0
    advice: str = ""

    @property
    def size_bytes(self) -> int:
        """What all of it weighs; 0 where that depends on what a person takes of it."""
        return self.package_bytes + sum(file.size_bytes for file in self.files)


@dataclass(frozen=True)
class Place:
    """Where a file is now.

    Attributes:
        name: Of the file, below the folder of data; or of the package that brings it.
        where: What holds it; `folder` is one that a person named for a download, and `altered` is
            in the cache without being the published file.
        path: The file, or the folder where it is unpacked.
        fetched: Whether it was downloaded just now.
    """

    name: str
    where: Where
    path: str = ""
    fetched: bool = False


# Where the checksums are from: those of the two large archives stand alike in tensorflow-datasets
# and torchvision; those of the small ones were computed from the archives, and confirmed by
# tensorflow-datasets (small1, small2) and by the MD5 that two other projects give (all_runs).
SETS = {
    one.name: one
    for one in (
        DataSet(
            "omniglot",
            licence="MIT",
            home="https://github.com/brendenlake/omniglot",
            base="https://raw.githubusercontent.com/brendenlake/omniglot/master/python",
            files=(
                File(
                    "omniglot/images_background.zip",
                    "images_background.zip",
                    9_464_212,
                    "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
                ),
                File(
                    "omniglot/images_evaluation.zip",
                    "images_evaluation.zip",
                    6_462_886,
                    "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
                ),
                File(
                    "omniglot/images_background_small1.zip",
                    "images_background_small1.zip",
                    1_319_022,
                    "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4",
                ),
                File(
                    "omniglot/images_background_small2.zip",
                    "images_background_small2.zip",
                    1_580_917,
                    "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f",
                ),
                File(
                    "omniglot/all_runs.zip",
                    "one-shot-classification/all_runs.zip",
                    352_787,
                    "437c1eeab0af8484112e1b4cc0f3d541ec727f7c47b9b202da738af9dfd6c325",
                ),
            ),
        ),
        DataSet(
            "ucr",
            licence="for research, cite the archive",
            home="https://www.timeseriesclassification.com",
            names=("ucr_uea.zip", "ucr_uea"),
            advice="It is not downloaded, since the archive states no licence to pass it on. Get "
            "the sets you need from its address, and put their .ts files into the folder ucr_uea "
            f"of the one that {VARIABLE} names.",
        ),
        DataSet(
            "lfw",
            licence="none stated, for research",
            home="https://vis-www.cs.umass.edu/lfw",
            names=("lfw_deepfunneled_96.zip", "lfw-deepfunneled.zip", "lfw-deepfunneled", "lfw"),
            advice="It is not downloaded, since no licence is stated to pass it on. Get the "
            "deep-funneled images and the lists (pairs, people) from its address, and put them "
            f"into the folder lfw-deepfunneled of the one that {VARIABLE} names.",
        ),
        DataSet(
            "cedar",
            licence="for research, cite the authors",
            home="https://cedar.buffalo.edu/NIJ/data",
            names=("cedar.zip", "cedar", "signatures.zip", "signatures"),
            advice="It is not downloaded, since it states no licence to pass it on. Get "
            "signatures.rar from its address, and put its folders full_org and full_forg into the "
            f"folder cedar of the one that {VARIABLE} names.",
        ),
        DataSet(
            "characters",
            licence="MIT",
            home="https://github.com/brendenlake/omniglot",
            package="likewise",
            package_bytes=333_819,
            advice="It ships with likewise.",
        ),
        DataSet(
            "digits",
            licence="CC BY 4.0",
            home="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
            package="sklearn",
            package_bytes=57_523,
            advice="It comes with scikit-learn. Run: pip install 'likewise[evaluate]'",
        ),
    )
}


def data_set(name: str) -> DataSet:
    """The set of this name.

    Raises:
        UnknownName: With the nearest known name.
    """
    if name not in SETS:
        raise unknown("no data set is named", name, SETS)
    return SETS[name]


def places(of: DataSet) -> tuple[Place, ...]:
    """Where each file of a set is now; files in the cache are held against their checksums."""
    if of.package:
        there = importlib.util.find_spec(of.package) is not None
        return (Place(of.package, "shipped" if there else "missing"),)
    if of.names:
        found = first_in(named_folder(), *of.names)
        return (_place(of.names[0], "LIKEWISE_DATA", found),)
    return tuple(in_own_folder(file) or _in_cache(file) for file in of.files)


def _place(name: str, where: Where, found: Path | None) -> Place:
    return Place(name, where, str(found)) if found else Place(name, "missing")


def in_own_folder(file: File) -> Place | None:
    """Where the folder that LIKEWISE_DATA names holds a file, packed or unpacked; None if not."""
    # It may be packed anew or unpacked, so its checksum says nothing.
    found = first_in(named_folder(), file.name, file.name.removesuffix(".zip"))
    return Place(file.name, "LIKEWISE_DATA", str(found)) if found else None


def _in_cache(file: File) -> Place:
    found = first_in(cache_folder(), file.name)
    altered = found is not None and not is_published(found, file)
    return _place(file.name, "altered" if altered else "cache", found)


def is_published(path: Path, file: File) -> bool:
    """Whether the file at this path has the published length and checksum."""
    try:
        if not path.is_file() or path.stat().st_size != file.size_bytes:
            return False
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    except OSError:
        return False
