"""Versions in the bucket: what was pushed comes back byte by byte or not at all; every reader takes the same one as live."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inference.models.releases import Release, Released, Releases, model_ids, place
from services.inference.models.source import copied
from shared.adapters.embedded.file_images import FileImages
from shared.errors import SettingsError
from shared.models.config import ModelConfig
from shared.models.files import ModelFiles
from shared.models.model import Model
from shared.ports import Images
from tests.unit.shared.models.built_models import detector

Makes = Callable[..., Model]


@pytest.fixture
def images(tmp_path: Path) -> Iterator[FileImages]:
    images = FileImages(tmp_path / "images", prefix="t.")
    yield images
    images.close()


@pytest.fixture
def releases(images: FileImages) -> Releases:
    return Releases(images, "doors")


@pytest.fixture
def model(tmp_path: Path) -> Makes:
    """A version per width of the network."""

    def make(width: int = 8, name: str = "best.onnx", sidecar: str = "") -> Model:
        folder = tmp_path / f"made-{width}"
        folder.mkdir(exist_ok=True)
        path = detector(folder / name, width=width)
        if sidecar:
            path.with_name(path.stem + ".gleaner.yaml").write_text(sidecar, encoding="utf-8")
        return Model(ModelConfig(path=path, id="doors"))

    return make


def versions(releases: Releases) -> list[str]:
    return [release.version for release in releases.history()]


def test_nothing_was_pushed(releases: Releases, images: FileImages) -> None:
    assert (releases.live(), releases.history(), model_ids(images)) == (None, [], [])
    with pytest.raises(SettingsError, match="nothing was ever pushed as doors"):
        releases.rollback()


def test_what_was_pushed_comes_back(releases: Releases, images: FileImages, model: Makes, tmp_path: Path) -> None:
    pushed = model(sidecar="names: [a, b, c]\n")
    assert releases.push(pushed, "the first") == Released(pushed.version, pushed.version, new=True)
    graph = releases.fetch(pushed.version, tmp_path / "fetched")
    assert graph.read_bytes() == pushed.files.graph.read_bytes()
    assert ModelFiles.of(graph).version == pushed.version
    assert releases.manifest(pushed.version).names == ("a", "b", "c")
    live = releases.live()
    assert live == Release(f"models/doors/releases/00000001-{pushed.version}.json", 1, pushed.version)
    assert (releases.note(live).by, releases.note(live).note) == ("push", "the first")
    assert model_ids(images) == ["doors"]


def test_a_version_is_the_same_wherever_its_files_lie(tmp_path: Path, model: Makes) -> None:
    (tmp_path / "said" / "lists").mkdir(parents=True)
    (tmp_path / "said" / "lists" / "names.txt").write_text("a\nb\nc\n", encoding="utf-8")
    sidecar = tmp_path / "said" / "elsewhere.yaml"
    sidecar.write_text("names: lists/names.txt\n", encoding="utf-8")
    config = ModelConfig(path=model().files.graph, id="doors", sidecar=sidecar)
    assert config.path is not None
    files = ModelFiles.of(config.path, sidecar)
    staged = Model(copied(files, config, tmp_path / "staged"))
    assert staged.names == ("a", "b", "c")
    assert staged.version == files.version


def test_a_sidecar_from_elsewhere_is_part_of_the_version(releases: Releases, tmp_path: Path, model: Makes) -> None:
    """It gets the usual name on its way, so the version that is pushed is the one that is fetched."""
    sidecar = tmp_path / "elsewhere.yaml"
    sidecar.write_text("names: [a, b, c]\n", encoding="utf-8")
    config = ModelConfig(path=model().files.graph, id="doors", sidecar=sidecar)
    assert config.path is not None
    staged = Model(copied(ModelFiles.of(config.path, sidecar), config, tmp_path / "staged"))
    releases.push(staged)
    fetched = Model(ModelConfig(path=releases.fetch(staged.version, tmp_path / "fetched")))
    assert (fetched.version, fetched.names) == (staged.version, ("a", "b", "c"))


def test_names_that_no_key_may_have(releases: Releases, tmp_path: Path, model: Makes) -> None:
    pushed = model(name="my best (1) ü.onnx")
    releases.push(pushed)
    assert releases.fetch(pushed.version, tmp_path / "fetched").name == "my best (1) ü.onnx"


def test_pushing_the_live_version_again_is_nothing_new(releases: Releases, model: Makes) -> None:
    first = model()
    releases.push(first)
    assert releases.push(first) == Released(first.version, first.version, new=False)
    assert versions(releases) == [first.version]


def test_pushing_again_mends_what_was_damaged(
    releases: Releases, images: FileImages, model: Makes, tmp_path: Path
) -> None:
    first = model()
    releases.push(first)
    images.put(f"models/doors/{first.version}/best.onnx", b"junk", "application/octet-stream")
    with pytest.raises(SettingsError, match="its 4 bytes are not the"):
        releases.fetch(first.version, tmp_path / "broken")
    releases.push(first)
    assert releases.fetch(first.version, tmp_path / "mended").is_file()


def test_two_rollbacks_go_back_two_versions(releases: Releases, model: Makes) -> None:
    one, two, three = (model(width) for width in (4, 6, 8))
    for pushed in (one, two, three):
        releases.push(pushed)
    assert releases.rollback().live == two.version
    assert releases.rollback().live == one.version
    with pytest.raises(SettingsError, match="is the first version of doors"):
        releases.rollback()
    assert releases.push(three).live == three.version
    assert releases.rollback().live == one.version, "the one before that push"
    assert versions(releases) == [v.version for v in (one, two, three, two, one, three, one)], "nothing is overwritten"


def test_a_rollback_to_a_named_version(releases: Releases, model: Makes) -> None:
    one, two, three = (model(width) for width in (4, 6, 8))
    for pushed in (one, two, three):
        releases.push(pushed)
    assert releases.rollback(to=one.version[:6]).live == one.version
    with pytest.raises(SettingsError, match=f"expected one of doors's versions: {one.version}"):
        releases.rollback(to="zz")


def test_a_version_that_is_not_there_does_not_go_live(releases: Releases, images: FileImages, model: Makes) -> None:
    one, two = model(4), model(6)
    releases.push(one)
    releases.push(two)
    images.delete(f"models/doors/{one.version}/manifest.json")
    with pytest.raises(SettingsError, match="was never pushed whole"):
        releases.rollback()
    assert versions(releases) == [one.version, two.version]


def test_garbage_beside_the_releases_is_no_release(releases: Releases, images: FileImages, model: Makes) -> None:
    pushed = model()
    releases.push(pushed)
    for name in ("notes.txt", "99999999-nothex.json", "9-aaaaaaaaaaaa.json", "zzzz"):
        images.put(f"models/doors/releases/{name}", b"\xff{", "text/plain")
    live = releases.live()
    assert live is not None
    assert live.version == pushed.version
    images.put(live.key, b"\x00 no json", "text/plain")
    assert releases.note(live).note == ""


@pytest.mark.parametrize(
    "manifest", [b"", b"[]", b'{"graph": 3}', b'{"graph": "m.onnx", "files": [{"name": "m.onnx"}]}', b"\xff\xfe"]
)
def test_a_manifest_that_is_none(releases: Releases, images: FileImages, tmp_path: Path, manifest: bytes) -> None:
    images.put("models/doors/aaaaaaaaaaaa/manifest.json", manifest, "application/json")
    with pytest.raises(SettingsError, match=r"manifest\.json is no list of files"):
        releases.fetch("aaaaaaaaaaaa", tmp_path / "fetched")


def test_a_file_that_is_missing_or_of_another_version(
    releases: Releases, images: FileImages, model: Makes, tmp_path: Path
) -> None:
    pushed = model()
    releases.push(pushed)
    folder = f"models/doors/{pushed.version}"
    manifest = images.get(f"{folder}/manifest.json") or b""
    images.put("models/doors/bbbbbbbbbbbb/manifest.json", manifest, "application/json")
    with pytest.raises(SettingsError, match="is not there, and the version's manifest names it"):
        releases.fetch("bbbbbbbbbbbb", tmp_path / "one")
    images.put("models/doors/bbbbbbbbbbbb/best.onnx", images.get(f"{folder}/best.onnx") or b"", "x/y")
    with pytest.raises(
        SettingsError, match=f"expected the files of version bbbbbbbbbbbb, got those of {pushed.version}"
    ):
        releases.fetch("bbbbbbbbbbbb", tmp_path / "two")


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", ""])
def test_no_file_leaves_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="names a file outside of its folder"):
        place(tmp_path / "inside", name)


@pytest.mark.parametrize("name", [".", "a\0b", "a" * 300, f"weights/{'ä' * 200}"])
def test_no_folder_holds_such_a_name(tmp_path: Path, name: str) -> None:
    """Said once, where an error of the file system would be tried again for ever."""
    with pytest.raises(SettingsError, match="no folder can hold"):
        place(tmp_path / "inside", name)


@pytest.mark.parametrize("key", ["../secret", "/etc/passwd", "a//b", ""])
def test_a_manifest_cannot_read_elsewhere(releases: Releases, images: FileImages, tmp_path: Path, key: str) -> None:
    manifest = {"graph": "x.onnx", "files": [{"name": "x.onnx", "key": key, "size": 1, "sha256": "0" * 64}]}
    images.put("models/doors/cccccccccccc/manifest.json", json.dumps(manifest).encode(), "application/json")
    with pytest.raises(SettingsError, match="is no key of a pushed file"):
        releases.fetch("cccccccccccc", tmp_path / "in")


def test_a_manifest_cannot_write_elsewhere(releases: Releases, images: Images, tmp_path: Path) -> None:
    entry = {"name": "../out.onnx", "key": "k", "size": 1, "sha256": "0" * 64}
    manifest = json.dumps({"graph": "../out.onnx", "files": [entry]}).encode()
    images.put("models/doors/cccccccccccc/manifest.json", manifest, "application/json")
    with pytest.raises(SettingsError, match="outside of its folder"):
        releases.fetch("cccccccccccc", tmp_path / "in")
    assert not (tmp_path / "out.onnx").exists()


@given(order=st.permutations(["aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"]))
def test_all_readers_agree_on_simultaneous_releases(tmp_path_factory: pytest.TempPathFactory, order: list[str]) -> None:
    """All three took number 1; in whichever order they arrive, the same one is live, and nothing was overwritten."""
    images = FileImages(tmp_path_factory.mktemp("bucket"))
    for version in order:
        images.put(f"models/doors/releases/00000001-{version}.json", b"{}", "application/json")
    releases = Releases(images, "doors")
    live = releases.live()
    assert live is not None
    assert live.version == "cccccccccccc"
    assert len(releases.history()) == 3
    assert releases.release("aaaaaaaaaaaa", "push").live == "aaaaaaaaaaaa", "the next number wins over all of them"


class Meanwhile(FileImages):
    """Before the first release is put, somebody else puts one of the same number."""

    other: str | None = None

    def put(self, key: str, data: bytes, content_type: str) -> None:
        if "/releases/" in key and self.other is not None:
            other, self.other = self.other, None
            super().put(f"models/doors/releases/00000001-{other}.json", b"{}", "application/json")
        super().put(key, data, content_type)


@pytest.mark.parametrize(("other", "live"), [("ffffffffffff", "ffffffffffff"), ("000000000000", "888888888888")])
def test_whoever_loses_a_race_is_told(tmp_path: Path, other: str, live: str) -> None:
    images = Meanwhile(tmp_path / "bucket")
    images.other = other
    releases = Releases(images, "doors")
    assert releases.release("888888888888", "push") == Released("888888888888", live, new=True)
    assert {release.version for release in releases.history()} == {"888888888888", other}
