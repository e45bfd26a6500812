"""One visit of a browser, which many tests look at."""

from typing import Any

import pytest

pytest.register_assert_rewrite("tests.support.browser.browser")

from tests.support.browser.browser import Browser, find_browser  # noqa: E402  # asserts are rewritten first
from tests.support.servers.api import TOKEN, Api  # noqa: E402  # same


@pytest.fixture(scope="session")
def browser() -> Browser:
    """A headless Chromium; what uses it is left out ``--without-node``."""
    return find_browser()


@pytest.fixture(scope="session")
def visited(browser: Browser, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the browser saw of the pages."""
    return browser.visit(api.url, TOKEN, tmp_path_factory.mktemp("screenshots"))
