"""What a run says at its end is counted from the streams, what it could not use too."""

from io import StringIO

from rich.console import Console

from services.cli import kept
from shared.errors import InvalidImage
from shared.streams.dead_letters import new_dead_letter
from shared.streams.frames import new_frame
from shared.streams.predictions import new_prediction
from shared.streams.samples import new_sample
from tests.unit.services.cli.conftest import Site
from tests.unit.services.uploader.making import neighbour


def shown(site: Site) -> str:
    console = Console(file=StringIO(), width=100)
    with console.capture() as captured:
        console.print(kept.table(kept.read(site.log)))
    return captured.get()


def test_an_image_that_could_not_be_used_is_told_with_where_to_look(site: Site) -> None:
    record = site.send(new_frame("door", b"no image"))
    site.send(new_dead_letter(record, InvalidImage("garbage"), service="inference", instance="1", stage="TASK_PUT"))
    row = next(line for line in shown(site).splitlines() if "gleaner dead-letters" in line)
    assert row.split()[-1] == "1"


def test_where_all_was_usable_nothing_is_said_of_it(site: Site) -> None:
    site.prediction()
    assert "dead-letters" not in shown(site)
    assert shown(site).split()[:3] == ["frames", "seen", "1"]


def test_what_a_shadow_says_is_no_prediction_of_the_product(site: Site) -> None:
    _, live = site.prediction()
    site.send(new_prediction(live.model_copy(update={"role": "shadow"})))
    assert [prediction for _, prediction in kept.predictions_of(site.log)] == [live]
    assert kept.read(site.log).frames == 1


def test_neighbours_are_nobodys_choice(site: Site) -> None:
    drawn = site.design(strategy="margin")
    site.send(new_sample(neighbour(1)))
    site.send(new_sample(neighbour(2, missing="expired")))
    found = kept.read(site.log)
    assert (found.with_image, found.neighbours) == ([drawn.sample_id], [neighbour(1).sample_id])
    assert (found.by_strategy, found.missing) == ({"margin": 1}, {})
    row = next(line for line in shown(site).splitlines() if "neighbours" in line)
    assert row.split()[-1] == "1"
