"""LaunchDarkly's Python SDK as an oracle: its evaluator alone, with no client and no I/O."""

from collections.abc import Mapping
from typing import Any, Literal

from ldclient import Context
from ldclient.impl.evaluator import Evaluator
from ldclient.impl.evaluator_common import EvalResult, EvaluationException, _bucket_context
from ldclient.impl.model import Segment

from tests.support.segments.evaluation import Lists

Answer = Literal[True, False, "error"]
#: Positions that 32-bit and 64-bit floats may put on two sides of a weight are this close to it.
_FLOAT32_STEP = 1e-7


class Oracle:
    """The SDK's answers for one environment."""

    def __init__(
        self, documents: list[dict[str, Any]], lists: Mapping[tuple[str, str], Lists]
    ) -> None:
        self._segments = {one["key"]: Segment(dict(one)) for one in documents}
        self._lists = lists
        self._evaluator = Evaluator(lambda _key: None, self._segments.get, self._membership)

    def answer(self, key: str, context: dict[str, Any]) -> Answer:
        return self._answer(self._segments[key], context)

    def answer_by_lists(self, document: dict[str, Any], context: dict[str, Any]) -> Answer:
        return self._answer(Segment({**document, "rules": []}), context)

    def near_a_boundary(self, context: dict[str, Any]) -> bool:
        """Whether any rollout decides by less than a 32-bit float can tell."""
        parsed = Context.from_dict(context)
        for segment in self._segments.values():
            for rule in segment.rules:
                if rule.weight is None or (rule.bucket_by is not None and rule.bucket_by.error):
                    continue
                kind, by = rule.rollout_context_kind, rule.bucket_by
                position = _bucket_context(None, parsed, kind, segment.key, segment.salt, by)
                if 0 < abs(position - rule.weight / 100_000) < _FLOAT32_STEP:
                    return True
        return False

    def _answer(self, segment: Segment, context: dict[str, Any]) -> Answer:
        parsed = Context.from_dict(context)
        assert parsed.valid, parsed.error
        try:
            state = EvalResult()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
            matches = self._evaluator._segment_matches_context(segment, parsed, state)
        except EvaluationException:
            return "error"
        return bool(matches)

    def _membership(self, context_key: str) -> tuple[dict[str, bool], str]:
        """Give what the SDK's store gives: references mapped to included or excluded."""
        refs: dict[str, bool] = {}
        for (key, listed), lists in self._lists.items():
            if listed == context_key and (lists.included or lists.excluded):
                refs[f"{key}.g{self._segments[key].generation or 0}"] = lists.included
        return refs, "HEALTHY"
