"""`likewise list`: every component with its arguments."""

import typer


def list_components(
    family: str = typer.Argument(
        "",
        metavar="FAMILY",
        show_default="all",
        help="One family: sources, transforms, distances, calibrators, encoders, matchers, "
        "miners, losses, samplers or augmentations.",
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """List the components that a model is made of.

    Each is printed as the spec that names it, with its arguments and what they are when left
    out, and with a sentence that says what it is. Nothing is written.

    Examples:
        likewise list
        likewise list losses
        likewise list encoders --json

    Exit codes:
        0  listed
        2  there is no such family

    Next:
        likewise train faces/ --loss 'triplet(margin=0.3)' --out model/
    """
    import json as json_

    from likewise.registry import families, unknown

    found = families()
    if family and family not in found:
        raise unknown("no family is named", family, found)
    chosen = {family: found[family]} if family else found
    described = {
        name: [members.describe(component) for component in members.names()]
        for name, members in chosen.items()
    }
    if json:
        print(
            json_.dumps(
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
