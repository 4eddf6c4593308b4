"""`likewise list`: components with their arguments; recipes; the calibrations of a model."""

import typer

from likewise.cli import options


def command(
    family: str = typer.Argument(
        "",
        metavar="WHAT",
        show_default="all families",
        help="One family: kinds, sources, transforms, distances, calibrators, stores, encoders, "
        "matchers, miners, losses, samplers, augmentations or views. Or recipes, for those that "
        "train takes from; or a model's folder, for its calibrations.",
    ),
    as_json: options.AsJson = False,
) -> None:
    """List components, recipes, or the calibrations of one model.

    Each component is printed as the spec that names it, with its arguments and what they are when
    left out, and with a sentence that says what it is. Each calibration is printed with what it
    was fitted on and how often it was seen to err. Nothing is written.

    Examples:
        likewise list
        likewise list losses
        likewise list encoders --json
        likewise list recipes
        likewise list model/

    Exit codes:
        0  listed
        2  there is no such family, or the folder holds no model

    Next:
        likewise train faces/ --loss 'triplet(margin=0.3)' --out model/
    """
    import json
    from pathlib import Path

    from likewise.registry import families, unknown

    if family and Path(family).is_dir():
        print(_calibrations(family, as_json=as_json))
        return
    if family == "recipes":
        print(_recipes(as_json=as_json))
        return
    found = families()
    if family and family not in found:
        raise unknown("no family is named", family, [*found, "recipes"])
    chosen = {family: found[family]} if family else found
    described = {
        name: [members.describe(component) for component in members.names()]
        for name, members in chosen.items()
    }
    if as_json:
        print(
            json.dumps(
                {
                    name: [
                        {"name": c.name, "signature": c.signature, "summary": c.summary}
                        for c in components
                    ]
                    for name, components in described.items()
                }
            )
        )
        return
    for name, components in described.items():
        print(name)
        for component in components:
            print(f"  {component.signature}")
            print(f"      {component.summary}")


def _recipes(*, as_json: bool) -> str:
    """The table that `train` takes from, as lines or as one JSON object by their names."""
    import json
    from dataclasses import asdict

    from likewise.recipe import rows

    if as_json:
        return json.dumps({row.name: asdict(row) for row in rows()})
    lines = []
    for row in rows():
        taken = f"time: {row.time}" if row.kind else "by name alone"
        lines += [row.name, f"  for {row.suits}; {taken}", f"  measured: {row.measured}"]
        lines += [f"    {key} = {value!r}" for key, value in row.fields.items()]
    return "\n".join(lines)


def _calibrations(folder: str, *, as_json: bool) -> str:
    """The calibrations of a model, as lines or as one JSON object by their names."""
    import json

    from likewise.cli.text.evaluation import calibration_lines
    from likewise.model import Model
    from likewise.results import to_plain

    found = Model(folder).calibrations
    if as_json:
        return json.dumps({name: to_plain(one) for name, one in found.items()}, allow_nan=False)
    blocks = ["\n".join(calibration_lines(name, one)) for name, one in found.items()]
    return "\n".join(blocks) or f"{folder} has no calibration."
