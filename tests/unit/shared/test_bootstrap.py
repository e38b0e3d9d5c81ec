"""Bootstrap: which settings file is taken, what a data folder needs, and where the salt comes from."""

import hashlib
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shared import bootstrap
from shared.bootstrap import load_from_environment, open_backend, open_objects
from shared.errors import InvalidMessage, SettingsError
from shared.settings import Settings, load
from shared.streams.frames import Frame, decode, new_frame
from shared.streams.record import Record
from shared.streams.references import Reference

SALT = "a salt for the tests only"


def embedded(folder: Path, **more: Any) -> Settings:
    return load(overrides={"backend": {"type": "embedded", "folder": str(folder)}, **more})


def test_a_data_folder_is_made_and_keeps_its_salt(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    with open_backend(embedded(folder)) as backend:
        first = backend.salt
    with open_backend(embedded(folder)) as backend:
        assert backend.salt == first
    assert len(first) == 64


def test_the_salt_file_is_for_its_owner_alone_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    with open_backend(embedded(tmp_path)):
        assert stat.S_IMODE((tmp_path / "salt").stat().st_mode) == 0o600
    assert list(tmp_path.glob("salt*")) == [tmp_path / "salt"]


OPENS = """
import sys
from shared.bootstrap import open_backend
from shared.settings import load
settings = load(overrides={"backend": {"type": "embedded", "folder": sys.argv[1]}})
print("ready", flush=True)
sys.stdin.readline()
with open_backend(settings) as backend:
    print(backend.salt.decode(), flush=True)
"""


def test_two_processes_that_begin_at_once_share_one_salt(tmp_path: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", OPENS, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    salts = {process.communicate(timeout=60)[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert salts == {(tmp_path / "salt").read_text()}


def test_the_salt_of_the_settings_wins(tmp_path: Path) -> None:
    with open_backend(embedded(tmp_path, salt=SALT)) as backend:
        assert backend.salt == SALT.encode()
    assert not (tmp_path / "salt").exists()


def test_a_short_salt_is_refused_without_being_shown(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="at least 16 characters of a secret, got 9") as refused,
        open_backend(embedded(tmp_path, salt="tooshort!")),
    ):
        pytest.fail("expected no backend")
    assert "tooshort" not in str(refused.value)


def test_a_salt_file_that_lost_its_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "salt").touch()
    with pytest.raises(SettingsError, match="salt"), open_backend(embedded(tmp_path)):
        pytest.fail("expected no backend")


def test_a_cluster_without_a_salt_is_refused_before_any_server_is_asked() -> None:
    with (
        pytest.raises(SettingsError, match="needs `salt`"),
        open_backend(load(overrides={"backend": {"type": "cluster", "kafka": "nowhere.invalid:1"}})),
    ):
        pytest.fail("expected no backend")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    in_the_way = tmp_path / "data"
    in_the_way.write_text("not a folder")
    with pytest.raises(SettingsError, match=r"backend\.folder: cannot make"), open_backend(embedded(in_the_way)):
        pytest.fail("expected no backend")


def test_a_backend_knows_its_settings(tmp_path: Path) -> None:
    settings = embedded(tmp_path, site="north gate", timezone="Europe/Madrid")
    with open_backend(settings) as backend:
        assert (backend.common.site, backend.common.timezone) == ("north gate", "Europe/Madrid")
        assert backend.settings_version == settings.version
        backend.log.ping()
        backend.state.ping()
        backend.images.ping()


def test_objects_lie_in_the_data_folder_and_pixels_are_read_from_the_buckets_of_the_settings(tmp_path: Path) -> None:
    image = b"\xff\xd8 pixels"
    settings = embedded(tmp_path, references={"buckets": ["cameras"]})
    with open_objects(settings) as objects:
        objects.put("cameras", "1.jpg", image, "image/jpeg")
        objects.put("others", "1.jpg", image, "image/jpeg")
    assert (tmp_path / "objects" / "cameras" / "1.jpg").read_bytes() == image
    with open_backend(settings) as backend:
        assert backend.pixels.image_of(referring("cameras", image)) == image
        with pytest.raises(InvalidMessage, match=r"references\.buckets"):
            backend.pixels.image_of(referring("others", image))


def referring(bucket: str, image: bytes) -> Frame:
    sha256 = hashlib.sha256(image).hexdigest()
    new = new_frame("door", Reference(uri=f"s3://{bucket}/1.jpg", size=len(image), sha256=sha256))
    return decode(Record("frames", 0, 0, 0, new.key, new.value, new.headers))


def test_the_file_that_the_environment_names_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text("site: mine\n")
    (tmp_path / "gleaner.yaml").write_text("site: usual\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GLEANER_SETTINGS", raising=False)
    assert load_from_environment().common.site == "usual"
    monkeypatch.setenv("GLEANER_SETTINGS", str(tmp_path / "mine.yaml"))
    assert load_from_environment().common.site == "mine"
    monkeypatch.setenv("GLEANER_SETTINGS", str(tmp_path / "none.yaml"))
    with pytest.raises(SettingsError, match=r"cannot read the settings file .*none\.yaml"):
        load_from_environment()


def test_without_a_file_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GLEANER_SETTINGS", raising=False)
    assert load_from_environment().common.site == "default"


def test_threads_that_open_a_new_folder_at_once_get_the_salt_that_stays(tmp_path: Path) -> None:
    def opened(number: int) -> bytes:
        with open_backend(embedded(tmp_path / str(number // 4))) as backend:
            return backend.salt

    with ThreadPoolExecutor(4) as threads:
        salts = list(threads.map(opened, range(40)))
    assert salts == [(tmp_path / str(number // 4) / "salt").read_bytes() for number in range(40)]


def test_a_second_process_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    common = embedded(tmp_path).common
    with bootstrap.alone(common), pytest.raises(SettingsError, match="another gleaner"), bootstrap.alone(common):
        pass
    with bootstrap.alone(common):
        assert (tmp_path / "running.lock").exists()
