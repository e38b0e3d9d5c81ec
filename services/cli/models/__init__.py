"""`gleaner models`: what one is (`inspect`), sees (`predict`, `compare`), and which one runs (`push`, `list`, `rollback`)."""

import typer

from services.cli.models.compare import compare_models
from services.cli.models.inspect import inspect
from services.cli.models.listing import list_models
from services.cli.models.predict import predict
from services.cli.models.push import push
from services.cli.models.rollback import rollback

models = typer.Typer(name="models", help="Models: what they are, what they see, which one runs.", no_args_is_help=True)

models.command()(inspect)
models.command()(predict)
models.command("compare")(compare_models)
models.command()(push)
models.command("list")(list_models)
models.command()(rollback)
