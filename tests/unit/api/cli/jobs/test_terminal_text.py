"""Text of strangers, on a terminal."""

from api.cli.jobs.terminal_text import escape_controls


def test_escape_controls__cut_anywhere__a_terminal_gets_none_of_them() -> None:
    text = "1,\x1b[31mred\x07,\u009b1mé\r\n2,b\n".encode()
    for cut in range(len(text)):
        written: list[bytes] = []
        write = escape_controls(written.append)
        write(text[:cut])
        write(text[cut:])
        shown = b"".join(written).decode()
        assert shown == "1,\\x1b[31mred\\x07,\\x9b1mé\\x0d\n2,b\n"
