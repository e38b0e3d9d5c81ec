"""The uploader's settings."""

from pathlib import Path

import pytest

from services.uploader.config import UploaderConfig
from services.uploader.destinations import kinds
from shared.errors import SettingsError
from shared.settings import Settings, masked

ROBOFLOW = {"type": "roboflow", "api_key": "a-key-for-tests", "project": "kitchen"}


def test_without_settings_there_is_one_local_dataset() -> None:
    config = Settings({}).read(UploaderConfig)
    assert [(one.type, one.name) for one in config.destinations] == [("dataset", "dataset")]
    assert config.outbox_path == Path("gleaner-data/uploader/outbox.sqlite3")


def test_the_name_is_the_type_unless_given() -> None:
    own = {"type": "dataset", "name": "archive"}
    config = Settings({"destinations": [ROBOFLOW, own]}).read(UploaderConfig)
    assert [one.name for one in config.destinations] == ["roboflow", "archive"]


@pytest.mark.parametrize(
    ("destinations", "complaint"),
    [
        ([{"type": "robofow"}], "did you mean 'roboflow'"),
        ([ROBOFLOW, ROBOFLOW], "'roboflow' twice"),
        ([{"type": "dataset", "foldr": "x"}], "did you mean 'folder'"),
        ([{"type": "roboflow", "project": "kitchen"}], "api_key: Field required"),
        ([{**ROBOFLOW, "base_url": "api.example"}], "base_url"),
    ],
)
def test_what_cannot_work_is_refused_with_the_place(destinations: list[object], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        Settings({"destinations": destinations}).read(UploaderConfig)


def test_keys_are_masked() -> None:
    config = Settings({"destinations": [ROBOFLOW]}).read(UploaderConfig)
    assert "a-key-for-tests" not in str(masked(config)) + repr(config)


def test_two_gleaners_on_one_machine_have_an_outbox_each() -> None:
    paths = {Settings({"prefix": prefix}).read(UploaderConfig).outbox_path for prefix in ("", "east.")}
    assert len(paths) == 2


def test_every_kind_of_destination_names_itself_by_default() -> None:
    for options in kinds():
        if options.__module__.startswith("services."):
            assert options.model_fields["name"].default in ("dataset", "roboflow")
