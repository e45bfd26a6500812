"""Context instances: one kind, several, none, and what is refused."""

from typing import Any

import pytest

from api.evaluation import Context, InvalidContext, parse_context


def _attributes(document: dict[str, Any], kind: str = "user") -> dict[str, Any]:
    return dict(parse_context(document).individuals[kind].attributes)


def test_context__one_kind__built_ins_and_attributes() -> None:
    document = {"kind": "org", "key": "acme", "name": "Acme", "plan": {"tier": 1}, "_meta": {}}
    context = parse_context(document)
    assert list(context.individuals) == ["org"]
    assert context.individuals["org"].key == "acme"
    assert _attributes(document, "org") == {
        "kind": "org",
        "key": "acme",
        "name": "Acme",
        "plan": {"tier": 1},
        "anonymous": False,
    }


def test_context__several_kinds__each_with_its_own_attributes() -> None:
    document = {"kind": "multi", "user": {"key": "ada", "kind": "user"}, "org": {"key": "acme"}}
    context = parse_context(document)
    assert {one.kind: one.key for one in context.individuals.values()} == {
        "user": "ada",
        "org": "acme",
    }
    assert _attributes(document, "org")["kind"] == "org"
    assert not context.is_only_user


@pytest.mark.parametrize(
    "document",
    [
        {"key": "ada"},
        {"kind": "user", "key": "ada"},
        {"kind": "multi", "user": {"key": "ada"}},
    ],
)
def test_context__user_in_any_form__only_a_user(document: dict[str, Any]) -> None:
    context = parse_context(document)
    assert context.is_only_user
    assert context.individuals["user"].key == "ada"


def test_context__without_kind__attributes_of_custom_are_its_own() -> None:
    document = {
        "key": "ada",
        "email": "a@x",
        "country": None,
        "anonymous": None,
        "secondary": "s",
        "privateAttributeNames": ["email"],
        "custom": {"plan": "gold", "email": "c@x", "key": "no", "kind": "no", "name": "no"},
        "level": 3,
    }
    assert _attributes(document) == {
        "kind": "user",
        "key": "ada",
        "email": "a@x",
        "country": None,
        "plan": "gold",
        "level": 3,
        "anonymous": False,
    }


def test_context__with_kind__custom_is_an_attribute_like_others() -> None:
    document = {"kind": "user", "key": "ada", "custom": {"plan": "gold"}, "secondary": 5}
    assert _attributes(document)["custom"] == {"plan": "gold"}
    assert _attributes(document)["secondary"] == 5


@pytest.mark.parametrize("key", ["a", " ", "a/b", "%2F", "😀", "é" * 2_000, "\ud800"])
def test_context__any_key__kept(key: str) -> None:
    assert parse_context({"kind": "user", "key": key}).individuals["user"].key == key


@pytest.mark.parametrize("kind", ["user", "a", "A.b-c_9", "Multi", "kinds"])
def test_context__good_kind__kept(kind: str) -> None:
    assert list(parse_context({"kind": kind, "key": "k"}).individuals) == [kind]
    several = parse_context({"kind": "multi", kind: {"key": "k"}, "other": {"key": "o"}})
    assert isinstance(several, Context)
    assert list(several.individuals) == [kind, "other"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (None, "must be a JSON object"),
        ([], "must be a JSON object"),
        ("ada", "must be a JSON object"),
        ({}, "key must be a string"),
        ({"kind": "user"}, "key must be a string"),
        ({"kind": "user", "key": ""}, "key must be a string and not empty"),
        ({"kind": "user", "key": 5}, "key must be a string"),
        ({"kind": "user", "key": None}, "key must be a string"),
        ({"key": ""}, "key must be a string and not empty"),
        ({"kind": None, "key": "k"}, "kind must be a string"),
        ({"kind": 5, "key": "k"}, "kind must be a string"),
        ({"kind": "", "key": "k"}, "a kind must be made of"),
        ({"kind": "kind", "key": "k"}, "'kind' is not the name of a kind"),
        ({"kind": "a b", "key": "k"}, "a kind must be made of"),
        ({"kind": "é", "key": "k"}, "a kind must be made of"),
        ({"kind": "a\n", "key": "k"}, "a kind must be made of"),
        ({"kind": "user", "key": "k", "name": 5}, "name must be a string"),
        ({"kind": "user", "key": "k", "anonymous": None}, "anonymous must be true or false"),
        ({"kind": "user", "key": "k", "anonymous": "yes"}, "anonymous must be true or false"),
        ({"kind": "user", "key": "k", "_meta": 5}, "_meta.privateAttributes"),
        ({"kind": "user", "key": "k", "_meta": {"privateAttributes": [5]}}, "_meta.private"),
        ({"key": "k", "custom": []}, "custom must be an object"),
        ({"key": "k", "email": 5}, "email must be a string"),
        ({"kind": "multi"}, "at least one kind"),
        ({"kind": "multi", "user": "ada"}, "user must be an object"),
        ({"kind": "multi", "user": None}, "user must be an object"),
        ({"kind": "multi", "user": {}}, "user.key must be a string"),
        ({"kind": "multi", "user": {"key": "k", "kind": "org"}}, "user.kind says another kind"),
        ({"kind": "multi", "multi": {"key": "k"}}, "'multi' is not the name of a kind"),
        ({"kind": "multi", "": {"key": "k"}}, "a kind must be made of"),
        ({"kind": "multi", "o": {"key": "k", "name": 1}}, "o.name must be a string"),
        ({"kind": "multi", "o": {"key": "k", "anonymous": 1}}, "o.anonymous must be"),
    ],
    ids=lambda part: f"{part!r:.60}",
)
def test_context__malformed__refused_with_the_property(document: object, says: str) -> None:
    with pytest.raises(InvalidContext) as caught:
        parse_context(document)
    assert says in str(caught.value)


def test_refusal__wrong_property__does_not_repeat_the_key() -> None:
    with pytest.raises(InvalidContext) as caught:
        parse_context({"kind": "user", "key": "secret-ada", "name": {"secret": 1}})
    assert "secret" not in str(caught.value)
