"""The application at module level that Celery's command line needs."""

from pydantic import ValidationError

from worker.logs import configure_logs
from worker.settings import WorkerSettings, invalid_settings
from worker.tasks.app import create_app

configure_logs()  # before Celery's own start, whose warnings are lines, too
try:
    app = create_app(WorkerSettings.from_environment())
except ValidationError as exc:
    raise SystemExit(invalid_settings(exc)) from None
