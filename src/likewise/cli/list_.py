"""`likewise list`: every component with its arguments."""

import typer


def list_components(
    family: str = typer.Argument("", help="One family; all of them when left out."),
    json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """List the components of every family, or of one, with their arguments.

    Example: likewise list losses
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
