"""The commands of the service: `serve`, `worker`, `key …`, `webhook …`, which cli.py takes into the command line.

Imports nothing heavy before a command runs.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

if TYPE_CHECKING:
    from .service import Settings

DATA = Path("vitascope-data")

Data = Annotated[Path, typer.Option(help="Folder of the jobs and, unless --files says otherwise, of all files.")]
Database = Annotated[
    Optional[str], typer.Option(help="postgresql://… for workers on many machines; else SQLite in --data.")
]
FilesAt = Annotated[
    Optional[str], typer.Option("--files", help="A shared folder or s3://… for workers on many machines.")
]
Model = Annotated[Optional[Path], typer.Option(help="Folder of another model than the bundled one.")]

app = typer.Typer()
keys = typer.Typer(help="API keys.", no_args_is_help=True)
webhooks = typer.Typer(help="Whom to tell when a video is finished.", no_args_is_help=True)
app.add_typer(keys, name="key")
app.add_typer(webhooks, name="webhook")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 127.0.0.1 is this machine only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    data: Data = DATA,
    database: Database = None,
    files: FilesAt = None,
    model: Model = None,
    workers: Annotated[int, typer.Option(help="Workers to start along with it; 0: none.", min=0, max=64)] = 1,
) -> None:
    """Serve the Videos API and the studio, with one worker beside it."""
    from .web import run_web

    with _opened(_settings(data, database, files, host=host, model=model)) as service:
        run_web(service, port=port, workers=workers)


@app.command()
def worker(
    data: Data = DATA,
    database: Database = None,
    files: FilesAt = None,
    model: Model = None,
    parent: Annotated[Optional[int], typer.Option(hidden=True)] = None,
) -> None:
    """Add a worker to a service, on this machine or another."""
    from .production import open_production
    from .web import configure_log
    from .worker import run_worker

    configure_log()
    with _opened(_settings(data, database, files, model=model)) as service:
        run_worker(service, open_production(model), parent=parent)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Whose it is.")] = "default",
    max_jobs: Annotated[Optional[int], typer.Option(help="Unfinished jobs at once.", min=1)] = None,
    max_seconds: Annotated[Optional[float], typer.Option(help="Seconds of video a day.", min=0.1)] = None,
    data: Data = DATA,
    database: Database = None,
) -> None:
    """Make an API key and print it, for the only time: what is stored is a hash."""
    from .job import Limits

    with _opened(_settings(data, database)) as service:
        typer.echo(service.keys.create(name, Limits(max_jobs, max_seconds)))


@keys.command("list")
def list_keys(data: Data = DATA, database: Database = None) -> None:
    """Show the keys' ids, names and limits."""
    with _opened(_settings(data, database)) as service:
        for key in service.keys.all():
            limits = f"jobs {key.limits.jobs or 'any'}, seconds a day {key.limits.seconds or 'any'}"
            typer.echo(f"{key.id}  {key.name}  ({limits})")


@keys.command("revoke")
def revoke_key(
    id: Annotated[str, typer.Argument(help="As `key list` shows it.")], data: Data = DATA, database: Database = None
) -> None:
    """Make a key invalid. Its videos stay."""
    with _opened(_settings(data, database)) as service:
        _insist(service.keys.revoke(id), "key", id)


@webhooks.command("add")
def add_webhook(
    url: Annotated[str, typer.Argument(help="Where events are sent to; may lie in the private network.")],
    key: Annotated[str, typer.Option(help="Only videos of this key's id; else of all.")] = "*",
    data: Data = DATA,
    database: Database = None,
) -> None:
    """Send events to a URL, and print the secret that they are signed with."""
    with _opened(_settings(data, database)) as service:
        typer.echo(service.webhooks.add(key, url, trusted=True).secret)


@webhooks.command("list")
def list_webhooks(data: Data = DATA, database: Database = None) -> None:
    """Show all webhooks."""
    with _opened(_settings(data, database)) as service:
        for hook in service.webhooks.all():
            typer.echo(f"{hook.id}  {hook.url}  (key {hook.key})")


@webhooks.command("remove")
def remove_webhook(
    id: Annotated[str, typer.Argument(help="As `webhook list` shows it.")], data: Data = DATA, database: Database = None
) -> None:
    """Send nothing more to a URL."""
    with _opened(_settings(data, database)) as service:
        _insist(service.webhooks.remove(id), "webhook", id)


def _insist(found: bool, kind: str, id: str) -> None:
    if not found:
        raise ValueError(f"there is no {kind} with the id {id!r}; `vitascope {kind} list` shows all")


def _settings(data: Path, database: str | None, files: str | None = None, **more: Any) -> "Settings":
    from .service import Settings

    return Settings(data, database, files, **more)


def _opened(settings: "Settings"):
    """A service that is closed at the end. What goes wrong at the start is a ValueError of one line."""
    from contextlib import closing

    from .database import Unavailable
    from .service import open_service

    try:
        return closing(open_service(settings))
    except Unavailable as error:
        raise ValueError(f"the database cannot be opened: {error}") from None
