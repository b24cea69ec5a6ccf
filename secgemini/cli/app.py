"""The commands put together, and the options that belong to none of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from secgemini._version import __version__

from . import ask, exits, serve, sessions, terminal

# Of the option parser's errors only this leaf has a public name; its base stands for every wrong call.
_WrongCall: type[Exception] = typer.BadParameter.__mro__[1]

app: typer.Typer = typer.Typer(
    name="secgemini",
    help="Ask the Sec-Gemini security assistant, or serve its embedded stand-in that needs no key and no network.",
    epilog=exits.HELP,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("ask", epilog=exits.HELP)(ask.ask)
app.command("resume", epilog=exits.HELP)(ask.resume)
app.command("serve", epilog=exits.SERVE_HELP)(serve.serve)
app.command("sessions", epilog=exits.HELP)(sessions.sessions)
app.command("history", epilog=exits.HELP)(sessions.history)
app.command("delete", epilog=exits.HELP)(sessions.delete)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"secgemini {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _without_command(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. A wrong call is said as every other error is."""
    terminal.secure_streams()
    try:
        code = app(args=list(argv), prog_name="secgemini", standalone_mode=False)
        sys.stdout.flush()
    except _WrongCall as error:
        return exits.refused(_usage_error(error), as_json="--json" in argv)
    except OSError as error:  # the help or the version could not be written
        return exits.refused(error, as_json=False)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # what the option parser makes of one
            return exits.reader_gone()
        raise
    except typer.Abort:
        return exits.Exit.INTERRUPTED
    return int(code or 0)


def _usage_error(error: Exception) -> exits.UsageError:
    says = getattr(error, "format_message", error.__str__)()
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "secgemini"
    return exits.UsageError(says.rstrip("."), hint=f"see {command} --help")
