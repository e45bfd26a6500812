"""Segments and their parts as Hypothesis makes them, in the shape that GET shows."""

from hypothesis import strategies as st

context_keys = st.text("abcxyzé/ 😀", min_size=1, max_size=4).filter(lambda key: not key.isspace())
kinds = st.sampled_from(["user", "org", "device.v2", "a_b-c"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5)
)
members = st.text("ab/~é", max_size=3)
json_values = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(members, below, max_size=3),
    max_leaves=5,
)
clauses = st.fixed_dictionaries(
    {
        "_id": st.uuids().map(str),
        "attribute": st.text(st.characters(codec="utf-8"), min_size=1, max_size=5),
        "op": st.sampled_from(["in", "lessThan", "matches", "semVerEqual"]),
        "values": st.lists(json_values, max_size=4),
        "contextKind": kinds,
        "negate": st.booleans(),
    }
)
rules = st.fixed_dictionaries(
    {
        "_id": st.uuids().map(str),
        "clauses": st.lists(clauses, max_size=3),
        "rolloutContextKind": kinds,
    },
    optional={
        "weight": st.integers(0, 100_000),
        "bucketBy": st.sampled_from(["email", "/address/city"]),
        "description": st.text(st.characters(codec="utf-8"), max_size=5),
    },
)
contexts = st.fixed_dictionaries(
    {"contextKind": kinds, "values": st.lists(context_keys, min_size=1, max_size=4)}
)
representations = st.fixed_dictionaries(
    {
        "name": st.just("Beta"),
        "tags": st.lists(st.sampled_from(["a", "b.c", "D-1"]), unique=True),
        "included": st.lists(context_keys, max_size=5),
        "excluded": st.lists(context_keys, max_size=5),
        "includedContexts": st.lists(contexts, max_size=3),
        "excludedContexts": st.lists(contexts, max_size=3),
        "rules": st.lists(rules, max_size=3),
    },
    optional={"description": st.sampled_from(["", "people"])},
)
