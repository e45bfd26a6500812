"""Many values against one text: what trying one after the other would say."""

from hypothesis import example, given
from hypothesis import strategies as st

from api.evaluation.effort import Effort
from api.evaluation.operators.texts import Affixes, Contained

#: Few letters, so that values overlap; some are several bytes, one is half a pair.
_TEXTS = st.text(st.sampled_from("ab\u00e9\U0001f600\ud800"), max_size=12)
_VALUES = st.lists(_TEXTS, max_size=60)


@given(_VALUES, _TEXTS)
@example(["x" * 16_000 + str(n) for n in range(30)], "x" * 16_002)
@example([str(n) for n in range(100, 200)], "ab" * 20_000 + "150")
@example([str(n) for n in range(100, 200)], "ab" * 20_000)
def test_contained_and_affixes__any_values__agree_with_one_after_the_other(
    values: list[str], text: str
) -> None:
    effort = Effort()
    assert Contained(values).test(text, effort) is any(one in text for one in values)
    starts, ends = Affixes(values, at_end=False), Affixes(values, at_end=True)
    assert starts.test(text, effort) is any(text.startswith(one) for one in values)
    assert ends.test(text, effort) is any(text.endswith(one) for one in values)
