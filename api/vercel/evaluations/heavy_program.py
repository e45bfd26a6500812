"""Heavy evaluations of this dialect, one after another: the program of a child process."""

from api.evaluation import Effort
from api.services.heavy.child import Answer, ChildServices, run_child
from api.services.heavy.frames import Message
from api.vercel.evaluations.evaluation import evaluate_all, read_question
from api.vercel.evaluations.heavy_question import HeavyQuestion
from api.vercel.evaluations.projects import EvaluableProjects


def make_answer(services: ChildServices) -> Answer:
    """Make what answers questions with a full effort; for one event loop."""
    projects = EvaluableProjects(services.settings.evaluation_cache_bytes)

    async def answer(message: Message) -> Message:
        asked, store = HeavyQuestion.unpack(message), services.store()
        project = store.projects.get(asked.project)
        question = read_question(projects, store, project, asked.raw, asked.seen)
        lists = await services.lists.look_up(question.asked)
        return evaluate_all(question, lists, Effort()).pack()

    return answer


if __name__ == "__main__":
    run_child(make_answer)
