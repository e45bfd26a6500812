"""One reading of a Redis URL: every form of the table, and refusals that leak nothing."""

import re
import string
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.settings import ApiSettings
from tests.support.proxies.tls import issue_files
from worker.redis_urls import (
    PARAMETERS,
    RedisAddress,
    RedisUrlRefused,
    TlsOptions,
    parse_redis_url,
)
from worker.settings import WorkerSettings, invalid_settings
from worker.store.jobs.messages import broker_options

_RUNBOOK = Path(__file__).parents[3] / "deploy/RUNBOOK.md"


def table_forms() -> list[str]:
    """The forms of the runbook's table."""
    table = _RUNBOOK.read_text().partition("<!-- redis-urls -->")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://h", RedisAddress("h")),
        ("redis://h/", RedisAddress("h")),
        (" redis://h/0\n", RedisAddress("h")),
        ("REDIS://h/0", RedisAddress("h")),
        ("redis://h:7000/2", RedisAddress("h", 7_000, database=2)),
        ("redis://h?db=4", RedisAddress("h", database=4)),
        ("redis://h/4?db=4", RedisAddress("h", database=4)),
        ("redis://h?protocol=3", RedisAddress("h")),
        ("redis://h/?protocol=2&db=1", RedisAddress("h", database=1)),
        ("redis://[::1]:7000/1", RedisAddress("::1", 7_000, database=1)),
        ("redis://[fe80::1]", RedisAddress("fe80::1")),
        ("redis://broker_1.net:1", RedisAddress("broker_1.net", 1)),
        ("valkey://h:1/2", RedisAddress("h", 1, database=2)),
        ("redis://:@h", RedisAddress("h")),
        ("redis://@h", RedisAddress("h")),
        ("redis://:a%2Fb%23c%40d@h/0", RedisAddress("h", password="a/b#c@d")),
        ("redis://:a:b@h", RedisAddress("h", password="a:b")),
        ("redis://u:p@h:1", RedisAddress("h", 1, username="u", password="p")),
        ("redis://u:@h", RedisAddress("h", username="u", password="")),
        ("unix:///run/r.sock", RedisAddress(socket_path="/run/r.sock")),
        ("unix:///run/r.sock?db=3", RedisAddress(socket_path="/run/r.sock", database=3)),
        ("unix://:p@/r", RedisAddress(socket_path="/r", password="p")),
        ("rediss://h", RedisAddress("h", tls=TlsOptions())),
        ("valkeys://h", RedisAddress("h", tls=TlsOptions())),
        ("rediss://h?ssl_cert_reqs=CERT_REQUIRED", RedisAddress("h", tls=TlsOptions())),
        ("rediss://h?ssl_cert_reqs=optional", RedisAddress("h", tls=TlsOptions())),
        (
            "rediss://h?ssl_cert_reqs=CERT_NONE",
            RedisAddress("h", tls=TlsOptions(verify=False, check_host=False)),
        ),
        (
            "rediss://h?ssl_check_hostname=False",
            RedisAddress("h", tls=TlsOptions(check_host=False)),
        ),
        (
            "rediss://h?ssl_ca_certs=/a%20b&ssl_certfile=/c&ssl_keyfile=/k",
            RedisAddress("h", tls=TlsOptions(ca_file="/a b", certificate_file="/c", key_file="/k")),
        ),
    ],
)
def test_url__of_a_clear_form__is_read(url: str, address: RedisAddress) -> None:
    assert parse_redis_url(url) == address


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "begins with redis://"),
        ("h:6379", "begins with redis://"),
        ("redis:h", "begins with redis://"),
        ("amqp://h", "begins with redis://"),
        ("redis+socket:///r", "begins with redis://"),
        ("sentinel://h:26379/0", "Sentinel is not spoken"),
        ("redis+sentinel://h", "Sentinel is not spoken"),
        ("redis://", "names no host"),
        ("redis://:6379", "names no host"),
        ("redis://a,b:1", "no single host"),
        ("redis://a;redis://b", "the port is no number"),
        ("redis://a:1;b", "the port is no number"),
        ("redis://[::1", "no single host"),
        ("redis://[h]:1", "no single host"),
        ("redis://::1", "no single host"),
        ("redis://h:0", "the port is no number"),
        ("redis://h:99999", "the port is no number"),
        ("redis://h:²", "outside ASCII"),
        ("redis://:s3cr3t", "the port is no number"),
        ("redis://h/zero", "the database is a number"),
        ("redis://h/-1", "the database is a number"),
        ("redis://h/0/1", "the database is a number"),
        ("redis://h?db=x", "the database is a number"),
        ("redis://h/0?db=3", "different databases"),
        ("redis://h?protocol=4", "protocol is 2 or 3"),
        ("redis://h?db=1&db=1", "there twice"),
        ("redis://h?db=", "has no value"),
        ("redis://h?socket_timeout=1", "is none of db, protocol"),
        ("redis://h?password=s3cr3t", "is none of db, protocol"),
        ("redis://h?ssl_cert_reqs=none", "need rediss://"),
        ("unix:///r?ssl_ca_certs=/a", "need rediss://"),
        ("rediss://h?ssl_cert_reqs=maybe", "one of required, optional and none"),
        ("rediss://h?ssl_check_hostname=2", "true or false"),
        ("rediss://h?ssl_keyfile=/k", "needs ssl_certfile"),
        ("unix://run/r.sock", "unix:///path"),
        ("unix://", "unix:///path"),
        ("redis://s3cr3t@h", "written user:password@"),
        ("redis://:57#pw@10.0.0.9:6379/0", "percent-encode"),
        ("redis://:s3cr3tQ#x@h", "percent-encode"),
        ("redis://:s3cr3tQ/x@h", "percent-encode"),
        ("redis://:s3cr3tQ?x@h", "percent-encode"),
        ("redis://:s3cr3t@x@h", "percent-encode"),
        ("redis://:100%@h", "percent-encode"),
        ("redis://:s3cr3t x@h", "percent-encode"),
        ("redis://:pässwort@h", "percent-encode"),
        ("redis://:%FF@h", "no UTF-8"),
    ],
)
def test_url__of_another_form__is_refused_in_a_sentence(url: str, says: str) -> None:
    with pytest.raises(RedisUrlRefused, match=re.escape(says)) as refused:
        parse_redis_url(url)

    assert "\n" not in str(refused.value)
    assert refused.value.__cause__ is None


# Distinctive enough that no message holds it by chance.
_SECRETS = st.text(string.printable + "äß€", min_size=1, max_size=12).map("Zq".join)
_FRAMES = st.sampled_from(
    [
        "redis://:{}@h/0",
        "redis://user:{}@h/0",
        "redis://{}@h",
        "redis://h/{}",
        "redis://h?{}",
        "redis://h?db={}",
        "redis://{}",
        "rediss://:{}@h?ssl_ca_certs={}",
        "rediss://h?ssl_cert_reqs={}",
        "rediss://h?ssl_certfile={}",
        "unix://:{}@/run/redis.sock",
        "{}://h",
        "{}",
    ]
)


@given(_SECRETS, _FRAMES, st.booleans())
@example("s3cr3tQ#x", "redis://:{}@h", False)  # noqa: FBT003 - hypothesis's
@example("s3cr3tQ/x", "redis://:{}@h", False)  # noqa: FBT003 - hypothesis's
@example("[s3cr3tQ]", "redis://:{}@h", False)  # noqa: FBT003 - hypothesis's
def test_settings__any_password__is_in_no_message(secret: str, frame: str, encode: bool) -> None:
    written = quote(secret, safe="") if encode else secret
    url = frame.replace("{}", written)
    shown = ""
    try:
        settings = WorkerSettings.model_validate({"redis_url": url, "broker_url": url})
    except ValidationError as exc:
        shown = f"{exc} {exc!r} {invalid_settings(exc)}"
    else:
        if ":{}@" in frame:
            options = broker_options(settings)
            shown = f"{settings!r} {settings.store_address!r} {options!r}"
            assert secret == settings.broker_address.password
    pieces = [piece for piece in re.split(r"[/?#@:&= %\[\]]", secret) if len(piece) > 3]
    assert [
        piece for piece in (secret, written, *pieces) if len(piece) > 3 and piece in shown
    ] == []


@given(st.text(min_size=1), st.text(min_size=1))
def test_url__encoded_log_in__is_read_as_it_was(username: str, password: str) -> None:
    url = f"redis://{quote(username, safe='')}:{quote(password, safe='')}@h/1"

    address = parse_redis_url(url)

    assert (address.username, address.password) == (username, password)


@given(st.text(), st.text(max_size=30))
def test_url__anything__is_read_or_refused(scheme: str, rest: str) -> None:
    for url in (rest, f"{scheme}://{rest}", f"redis://{rest}", f"rediss://h?{rest}"):
        try:
            address = parse_redis_url(url)
        except RedisUrlRefused:
            continue
        assert parse_redis_url(address.label).name == address.name or address.socket_path


@pytest.mark.parametrize("kind", [ApiSettings, WorkerSettings])
@pytest.mark.parametrize("variable", ["redis_url", "broker_url"])
def test_settings__refused_url__name_the_variable_and_why(
    kind: type[ApiSettings | WorkerSettings], variable: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        kind.model_validate({variable: "redis://:s3cr3tQ#x@h"})

    text = invalid_settings(refused.value)
    assert text.startswith(f"BIGSEG_{variable.upper()}: ")
    assert text.count("\n") == 0
    assert "s3cr3tQ" not in text + str(refused.value)


def test_settings__tls_files__are_loaded_at_the_start(tmp_path: Path) -> None:
    files = issue_files(tmp_path)
    for query, says in (
        (f"ssl_ca_certs={tmp_path}/missing.pem", "ssl_ca_certs"),
        (f"ssl_ca_certs={files.client_key}", "ssl_ca_certs"),
        (f"ssl_certfile={files.client}", "ssl_certfile"),
        (f"ssl_certfile={files.client}&ssl_keyfile={files.server}", "ssl_certfile"),
    ):
        with pytest.raises(ValidationError, match=says):
            WorkerSettings.model_validate({"broker_url": f"rediss://h?{query}"})
    good = f"ssl_ca_certs={files.authority}&ssl_certfile={files.client}"
    WorkerSettings.model_validate(
        {"broker_url": f"rediss://h?{good}&ssl_keyfile={files.client_key}"}
    )


def test_settings__blank_broker__is_the_store() -> None:
    settings = WorkerSettings.model_validate({"redis_url": "redis://h:1/2", "broker_url": ""})

    assert settings.broker_address == settings.store_address == RedisAddress("h", 1, None, 2)


def test_runbook__table__shows_every_scheme_and_parameter() -> None:
    forms = table_forms()

    assert {form.partition("://")[0] for form in forms} == {
        "redis",
        "rediss",
        "valkey",
        "valkeys",
        "unix",
    }
    assert {name for form in forms for name in re.findall(r"[?&]([a-z_]+)=", form)} == set(
        PARAMETERS
    )


def test_address__shown__holds_no_password() -> None:
    address = parse_redis_url("redis://u:s3cr3t@h:1/2")

    assert "s3cr3t" not in repr(address)
    assert (address.name, address.label) == ("h:1", "redis://h:1/2")
