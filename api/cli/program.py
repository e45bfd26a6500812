"""The root of the commands: options before a command's name, and the end of the process."""

import errno
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperGroup

from api.cli.errors import CommandError, ExitStatus
from api.cli.session.options import GlobalOptions, with_options
from api.cli.session.session import print_error, wants_json

#: Of typer's errors the public one; the others have the same parent.
_ClickError: Final[type[Exception]] = cast("Any", typer.BadParameter.__mro__[2])
_NOTHING_GIVEN: Final = "NoArgsIsHelpError"


class Program(TyperGroup):
    """Runs a command, and ends the process with its exit status after at most one error message."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's
        """Run the command; Ctrl-C, wherever it comes, is an error like others."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as exc:
            raise CommandError("interrupted", ExitStatus.INTERRUPTED) from exc

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 - it always is
        windows_expand_args: bool = True,
        **extra: Any,  # noqa: ANN401 - typer's
    ) -> Any:  # noqa: ANN401 - typer's
        """Run the command that the arguments name, and end the process."""
        words = list(sys.argv[1:] if args is None else args)
        as_json = wants_json(words)
        try:
            status = super().main(
                args=words,
                prog_name=prog_name or "bigseg",
                complete_var=complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except CommandError as exc:
            print_error(exc, as_json=as_json)
            status = exc.exit_status
        except typer.Abort:
            print_error(CommandError("not confirmed: nothing was done"), as_json=as_json)
            status = ExitStatus.FAILED
        except _ClickError as exc:
            status = _print_usage_error(exc, as_json=as_json)
        except OSError as exc:
            if exc.errno in {errno.ENOSPC, errno.EDQUOT, errno.EPIPE, errno.EBADF}:
                raise  # output cannot be written; `main` ends the process
            where = f"{exc.filename}: " if exc.filename else ""
            print_error(CommandError(f"{where}{exc.strerror or exc}"), as_json=as_json)
            status = ExitStatus.FAILED
        sys.exit(int(status or 0))


def _print_usage_error(exc: Any, *, as_json: bool) -> int:  # noqa: ANN401 - typer's, private
    if type(exc).__name__ == _NOTHING_GIVEN and not as_json:
        exc.show()  # the help
        return int(exc.exit_code)
    context = getattr(exc, "ctx", None)
    message = " ".join(str(exc.format_message()).split())
    if context is not None and not as_json:
        message = f"{message.rstrip('.')} (see `{context.command_path} -h`)"
    print_error(CommandError(message, ExitStatus(exc.exit_code)), as_json=as_json)
    return int(exc.exit_code)


def _print_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"bigseg {version('bigseg')}")
        raise typer.Exit


def add_global_options(app: typer.Typer) -> None:
    """Let the program take, before a command's name, what each command takes after it."""

    def take(
        options: GlobalOptions,
        typer_context: typer.Context,
        *,
        print_version: Annotated[
            bool,
            typer.Option(
                "--version",
                help="Print the version.",
                is_eager=True,
                callback=lambda value: _print_version(wanted=value),
            ),
        ] = False,
    ) -> None:
        del print_version  # its callback has ended the program
        typer_context.obj = options

    app.callback()(with_options(take))
