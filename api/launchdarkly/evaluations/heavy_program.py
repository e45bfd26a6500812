"""Heavy evaluations of this dialect, one after another: the program of a child process."""

from api.evaluation import Effort
from api.launchdarkly.evaluations.environments import EvaluableEnvironments
from api.launchdarkly.evaluations.evaluation import evaluate_all, read_question
from api.launchdarkly.evaluations.heavy_question import HeavyQuestion
from api.services.heavy.child import Answer, ChildServices, run_child
from api.services.heavy.frames import Message


def make_answer(services: ChildServices) -> Answer:
    """Make what answers questions with a full effort; for one event loop."""
    environments = EvaluableEnvironments(services.settings.evaluation_cache_bytes)

    async def answer(message: Message) -> Message:
        asked = HeavyQuestion.unpack(message)
        question = read_question(environments, services.store(), asked.raw, asked.env)
        lists = await services.lists.look_up(question.asked)
        return evaluate_all(question, lists, Effort(), asked.seen).pack()

    return answer


if __name__ == "__main__":
    run_child(make_answer)
