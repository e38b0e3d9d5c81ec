"""`make env`: makes what is missing, changes nothing that is there."""

import os
import stat
from pathlib import Path

from deploy import env


def test_it_makes_every_secret_for_its_owner_alone(tmp_path: Path) -> None:
    env.main(tmp_path)
    values = env.read(tmp_path / ".env")
    assert set(values) == set(env.wanted())
    assert all(len(values[name]) >= 16 for name in values if name not in ("GLEANER_UID", "GLEANER_GID"))
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_two_folders_share_no_secret(tmp_path: Path) -> None:
    both = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        env.main(tmp_path / name)
        both.append(env.read(tmp_path / name / ".env"))
    assert [name for name in both[0] if both[0][name] == both[1][name]] == ["GLEANER_UID", "GLEANER_GID"]


def test_again_it_changes_nothing(tmp_path: Path) -> None:
    env.main(tmp_path)
    before = (tmp_path / ".env").read_bytes()
    env.main(tmp_path)
    assert (tmp_path / ".env").read_bytes() == before


def test_what_is_there_stays_and_what_is_missing_or_empty_is_added(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# mine\nGLEANER_SALT=my-own-salt-of-years\nGLEANER_API_KEY=", encoding="utf-8")
    env.main(tmp_path)
    text = (tmp_path / ".env").read_text(encoding="utf-8")
    values = env.read(tmp_path / ".env")
    assert text.startswith("# mine\nGLEANER_SALT=my-own-salt-of-years\nGLEANER_API_KEY=\n")
    assert values["GLEANER_SALT"] == "my-own-salt-of-years"
    assert values["GLEANER_API_KEY"]


def test_the_uploader_never_runs_as_root_and_owns_the_dataset(tmp_path: Path) -> None:
    env.main(tmp_path)
    uid = int(env.read(tmp_path / ".env")["GLEANER_UID"])
    assert uid == (os.getuid() or env.UNPRIVILEGED_ID)
    assert (tmp_path / "dataset").stat().st_uid == uid


def test_a_folder_that_the_file_names_is_made(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GLEANER_DATASET=elsewhere/kept\n", encoding="utf-8")
    env.main(tmp_path)
    assert (tmp_path / "elsewhere/kept").is_dir()
