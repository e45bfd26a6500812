"""What Celery's command line insists on: an application at module level."""

from worker.settings import WorkerSettings
from worker.tasks.app import create_app

app = create_app(WorkerSettings.from_environment())
