"""Completion for a shell that is named; without a name, typer looks for the one that runs it."""

from typing import Any

OPTIONS = ("--install-completion", "--show-completion")
SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


def complete_in(option: str, shell: str) -> None:
    """Print the script that completes in a shell, or install it there.

    Args:
        option: `--install-completion` or `--show-completion`.
        shell: Its name.

    Raises:
        UnknownName: If there is no script for it.
    """
    from typer import completion

    from likewise.registry import unknown

    if shell not in SHELLS:
        raise unknown("no shell is named", shell, SHELLS)
    typers: Any = completion  # it tells type checkers of nothing that it gives
    variable = "_LIKEWISE_COMPLETE"
    if option == "--show-completion":
        script = typers.get_completion_script(
            prog_name="likewise", complete_var=variable, shell=shell
        )
        print(script)
        return
    _, path = typers.install(shell=shell, prog_name="likewise", complete_var=variable)
    print(f"{shell} completion installed in {path}; it works in the next shell you open")
