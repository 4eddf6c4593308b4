"""Make docs/benchmarks.md of the files in benchmarks/results.

python -m benchmarks.page
"""

from collections.abc import Iterable, Mapping

from benchmarks.results import ROOT, Result, header, line, read

PAGE = ROOT / "docs" / "benchmarks.md"
UNKNOWN = "not recorded"
# Which files stand where: a name stands for itself and for those that go on after it with a dash.
SECTIONS = {
    "Decisions and rates": (
        *("resplits", "coverage", "noise", "calibrators", "monitor", "evaluation", "audit"),
    ),
    "Galleries and duplicates": (
        "gallery",
        "gallery_damage",
        "open-set",
        "identify",
        "dedupe",
        "overlay",
    ),
    "What is learned": (
        *("omniglot", "characters", "digits", "lfw", "faces", "cedar", "choose", "series"),
        *("matchers", "recipes", "tuning", "precision"),
    ),
    "Speed, memory and size": (
        *("training", "step_parts", "augmentations", "embedding", "encoders", "chunks"),
        *("cold_start", "install_size", "suite", "mutation", "hostile"),
    ),
}
OTHERS = "Others"
HEAD = """# Benchmarks

<!-- made by `python -m benchmarks.page`; what is written here by hand is lost -->

Every figure on this page was measured on the machine named, by the command beside it. The page is
made of the files in [benchmarks/results](../benchmarks/results): `python -m benchmarks.NAME` runs a
benchmark and writes its file, and `make tables` makes this page again. Figures that are older than
these files came from the README; what was not written down then is called "not recorded". Rates are
fractions; a range in brackets is a 95% interval, or the least and the most of several rounds where
speed is measured. `LIKEWISE_DATA` names the folder that holds the research data.
"""


def page(results: Mapping[str, Result]) -> str:
    """The text of the page."""
    parts = {name: sorted(chosen) for name, chosen in sections(results).items() if chosen}
    lines = [HEAD]
    for section, names in parts.items():
        lines += [f"- {section}", *(f"  - [{results[n]['title']}](#{n})" for n in names)]
    for section, names in parts.items():
        lines += ["", f"## {section}"]
        for name in names:
            lines += ["", *entry(name, results[name])]
    return "\n".join(lines) + "\n"


def sections(names: Iterable[str]) -> dict[str, list[str]]:
    """The names of the files of each section."""
    found: dict[str, list[str]] = {section: [] for section in (*SECTIONS, OTHERS)}
    for name in names:
        found[section_of(name)].append(name)
    return found


def section_of(name: str) -> str:
    """The section in which a file stands."""
    for section, firsts in SECTIONS.items():
        if any(name == first or name.startswith(f"{first}-") for first in firsts):
            return section
    return OTHERS


def entry(name: str, result: Result) -> list[str]:
    """What is said of one file: its words, its tables, and where they come from."""
    lines = [f'<a id="{name}"></a>', "", f"### {result['title']}"]
    for words in result["words"]:
        lines += ["", words]
    for table in result["figures"]:
        lines += ["", *([f"{table['title']}:", ""] if table["title"] else [])]
        lines += [*header(table["columns"]), *map(line, table["rows"])]
    for words in result["caveats"]:
        lines += ["", f"*Note:* {words}"]
    lines += ["", *(f"- `{command}`" for command in result["command"])]
    if not result["command"]:
        lines.append(f"- command {UNKNOWN}")
    return [*lines, f"- {origin(result)}", f"- {machine_of(result)}", f"- {file_of(name)}"]


def origin(result: Result) -> str:
    """Commit and date."""
    commit = (result["commit"] or UNKNOWN)[:12]
    date = result["date"] or UNKNOWN
    if result["written_by"].startswith("moved from README"):
        return f"came into the README at commit {commit}, {date}; the commit measured: {UNKNOWN}"
    changed = ", with changes that were not committed" if result["changed"] else ""
    took = "" if result["seconds"] is None else f"; took {result['seconds']:,.0f} s"
    return f"commit {commit}{changed}, {date}{took}"


def machine_of(result: Result) -> str:
    """Where it ran."""
    told = result["machine"]
    words = [str(told["processor"] or f"machine {UNKNOWN}")]
    if told["cores"] is not None:
        words.append(f"{told['cores']} core{'s' if told['cores'] != 1 else ''}")
    if told["instructions"]:
        words.append(str(told["instructions"]))
    versions = [
        f"{name} {told[name]}"
        for name in ("python", "torch", "onnxruntime", "numpy")
        if told.get(name)
    ]
    return "; ".join([", ".join(words), ", ".join(versions) or f"versions {UNKNOWN}"])


def file_of(name: str) -> str:
    """A link to the file."""
    return f"[{name}.json](../benchmarks/results/{name}.json)"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(read()), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(read())} results")


if __name__ == "__main__":
    main()
