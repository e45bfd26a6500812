"""The order in which a worker starts its parts."""

from celery.worker import WorkController

from worker.settings import WorkerSettings
from worker.tasks.app import create_app


def test_threads__of_a_worker__start_once_its_processes_are_forked() -> None:
    app = create_app(WorkerSettings())
    blueprint = WorkController.Blueprint(app.steps["worker"])
    blueprint.steps = blueprint.claim_steps()

    order = [step.name.rpartition(".")[2] for step in blueprint._finalize_steps(blueprint.steps)]

    for thread in ("Sweeper", "ExpiryClock", "WebhookClock", "SdkStoreClock"):
        assert order.index("Pool") < order.index(thread)
