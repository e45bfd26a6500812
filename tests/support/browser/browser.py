"""A headless Chromium that visits the pages of an API, driven by Playwright in Node."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_HERE: Final = Path(__file__).parent
_HOME: Final = Path(__file__).parents[3] / ".venv/node"
#: Another Chromium or Chrome, where the shipped one is of no use.
_VARIABLE: Final = "BIGSEG_TEST_CHROMIUM"
_LIMIT_S: Final = 200.0


@dataclass(frozen=True, slots=True)
class Browser:
    """An executable, and what it needs in its environment."""

    executable: Path
    variables: Mapping[str, str]

    def visit(self, url: str, token: str, directory: Path) -> Any:
        """Give what ``visit.cjs`` saw; its screenshots are left in the directory.

        Raises:
            AssertionError: it could not start, or a page lacks what is looked for; says why.
        """
        request = {
            "url": url,
            "token": token,
            "executable": str(self.executable),
            "directory": str(directory),
        }
        # No proxy settings either.
        environment = {"NODE_PATH": str(_HOME / "node_modules"), "HOME": str(directory)}
        done = subprocess.run(
            (_HOME / "node", _HERE / "visit.cjs", json.dumps(request)),
            env={**environment, **self.variables},
            capture_output=True,
            encoding="utf-8",
            timeout=_LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def find_browser() -> Browser:
    """Find the Chromium that scripts/setup-node unpacked, or the one of the variable."""
    assert (_HOME / "stamp").exists(), "run scripts/setup-node first, or leave it --without-node"
    own, home = os.environ.get(_VARIABLE), _HOME / "browser"
    if own:
        return Browser(Path(own), {})
    assert (home / "chromium").exists(), (
        f"no Chromium is shipped for {platform.system()} on {platform.machine()}: name one in "
        f"{_VARIABLE}, or leave it --without-node"
    )
    # Its own libraries even where the machine has them: the same everywhere.
    libraries, fonts = str(home / "al2023/lib"), str(home / "fonts.conf")
    variables = {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": fonts}
    return Browser(home / "chromium", variables)
