"""GET /v1/predictions/{id}/image: whose image, from where, in which form, and when there is none."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from services.feedback.access.caller import Caller
from services.feedback.api import images, problems
from services.feedback.desk import Desk
from services.feedback.pictures import Look, Pictures
from services.feedback.refusals import PredictionGone
from shared import imaging
from shared.imaging import Image
from shared.ports import Undecided
from shared.streams import ids, keys
from shared.streams.predictions import ClassScore, Detection, Prediction
from shared.streams.references import Reference
from shared.streams.samples import BufferedImage
from tests.unit.services.feedback.conftest import HOUR_S, Site
from tests.unit.services.feedback.test_api_verdicts import KEY, code

GREY = 90


def picture(width_px: int = 640, height_px: int = 480) -> bytes:
    return imaging.encode_jpeg(np.full((height_px, width_px, 3), GREY, np.uint8))


def path(prediction_id: str, query: str = "") -> str:
    return f"/v1/predictions/{prediction_id}/image{query}"


def predicted(site: Site, image: bytes | Reference | None = None, **changes: Any) -> tuple[str, Prediction]:
    return site.prediction(site.frame(image or picture()), **changes)


def keep(site: Site, prediction: Prediction, data: bytes, *, altered: tuple[str, ...] = ()) -> BufferedImage:
    """As the sampler does: image and preview in the buffer, the design in the memo."""
    sample_id = ids.sample_id("default", prediction.frame.frame_id, prediction.model_id)
    sha256 = hashlib.sha256(data).hexdigest()
    at = keys.buffered_image(
        "default", sample_id, time_ms=site.now_ms, content_type="image/jpeg", sha256=sha256, size=len(data)
    ).model_copy(update={"altered": altered})
    site.images.put(at.key, data, at.content_type)
    site.images.put(at.preview_key, imaging.preview(imaging.decode(data), 320), "image/jpeg")
    memo = b'{"image": ' + at.model_dump_json().encode() + b"}"
    site.state.decide([Undecided(keys.memo_key("default", sample_id), memo, ttl_s=60)])
    return at


def pixels(response: Response) -> Image:
    assert response.status_code == 200, response.text
    return imaging.decode(response.content)


def marked(image: Image) -> Image:
    """Where something was drawn, as 0 and 1."""
    return np.asarray(np.abs(image.astype(int) - GREY).max(axis=2) > 40, np.uint8)


def test_the_frame_as_it_is_and_nothing_a_browser_could_take_for_a_page(site: Site, client: TestClient) -> None:
    data = picture()
    response = client.get(path(predicted(site, data, content_type="text/html")[0]))
    assert response.content == data
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert response.headers["cache-control"].startswith("private, max-age=")
    assert hashlib.sha256(data).hexdigest() in response.headers["etag"]


def test_what_is_known_is_not_sent_again(site: Site, client: TestClient) -> None:
    prediction_id, _ = predicted(site)
    etags = []
    for query in ("", "?boxes=true", "?boxes=true&weak=true", "?max_side_px=64"):
        etag = client.get(path(prediction_id, query)).headers["etag"]
        for known in (etag, f'"other", W/{etag}', "*"):
            again = client.get(path(prediction_id, query), headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert client.get(path(prediction_id, query), headers={"If-None-Match": '"other"'}).status_code == 200
        etags.append(etag)
    assert len(set(etags)) == 4


def test_boxes_of_the_product_are_drawn_and_weak_ones_where_they_are_asked_for(site: Site, client: TestClient) -> None:
    prediction_id, _ = predicted(site)  # a box at 10..90, a weak one at 100..190
    strong = marked(pixels(client.get(path(prediction_id, "?boxes=true"))))
    both = marked(pixels(client.get(path(prediction_id, "?boxes=true&weak=true"))))
    assert strong[50, 10]
    assert strong[90, 50]
    assert not strong[:, 150:].any()
    assert both[50, 10]
    assert 0.3 < both[90, 100:190].mean() < 0.8, "dashes"
    assert not both[:, 300:].any()


def test_a_smaller_image_has_its_boxes_where_they_belong(site: Site, client: TestClient) -> None:
    prediction_id, _ = predicted(site, picture(1280, 960))  # the prediction says 640 x 480
    half = pixels(client.get(path(prediction_id, "?boxes=true&max_side_px=320")))
    assert half.shape == (240, 320, 3)
    assert marked(half)[20, 5]
    assert not marked(half)[:, 200:].any()
    assert pixels(client.get(path(prediction_id, "?max_side_px=4000"))).shape == (960, 1280, 3)


@pytest.mark.parametrize(
    "box", [(-1e308, -1e308, 1e308, 1e308), (5, 5, 5, 5), (700, 500, 900, 800), (639, 479, 640, 480)]
)
@pytest.mark.parametrize("class_name", ["", "箱", "\x00\n<script>", "Größe é", "w" * 5_000, "%n%s"])
def test_whatever_a_box_says_it_is_drawn_without_harm(
    site: Site, client: TestClient, box: tuple[float, ...], class_name: str
) -> None:
    detections = tuple(
        Detection(box=box, class_id=10**12, class_name=class_name, confidence=confidence) for confidence in (0.2, 0.9)
    )
    prediction_id, _ = predicted(site, detections=detections)
    assert pixels(client.get(path(prediction_id, "?boxes=true&weak=true"))).shape == (480, 640, 3)


def test_a_classifiers_best_class_is_written_on_it(site: Site, client: TestClient) -> None:
    best = ClassScore(class_id=2, class_name="open", confidence=0.8)
    prediction_id, _ = predicted(site, task="classify", detections=(), classes=(best,))
    assert marked(pixels(client.get(path(prediction_id, "?boxes=true"))))[:25, :90].any()


def test_png_and_webp_go_out_as_what_they_are(site: Site, client: TestClient) -> None:
    for ending, content_type in ((".png", "image/png"), (".webp", "image/webp")):
        data = cv2.imencode(ending, imaging.decode(picture()))[1].tobytes()
        assert client.get(path(predicted(site, data)[0])).headers["content-type"] == content_type


def test_an_image_by_reference(site: Site, client: TestClient) -> None:
    data = picture()
    site.objects.put("cameras", "1.jpg", data, "image/jpeg")
    ref = Reference(uri="s3://cameras/1.jpg", size=len(data), sha256=hashlib.sha256(data).hexdigest())
    prediction_id, _ = predicted(site, ref)
    assert client.get(path(prediction_id)).content == data
    (site.folder / "objects" / "cameras" / "1.jpg").write_bytes(data[::-1])
    assert code(client.get(path(prediction_id))) == (410, "prediction_gone", "prediction_id")


def test_after_the_frame_the_samples_image_then_its_preview_then_nothing(site: Site, client: TestClient) -> None:
    data = picture()
    prediction_id, prediction = predicted(site, data)
    at = keep(site, prediction, data)
    site.later(7 * HOUR_S)
    assert client.get(path(prediction_id)).content == data
    site.images.delete(at.key)
    preview = pixels(client.get(path(prediction_id, "?boxes=true")))
    assert preview.shape == (240, 320, 3)
    assert marked(preview)[25, 5], "boxes are where they belong on the smaller one"
    site.images.delete(at.preview_key)
    assert code(client.get(path(prediction_id))) == (410, "prediction_gone", "prediction_id")


@pytest.mark.parametrize("state_key", [keys.kept_key, keys.held_key])
def test_an_image_that_a_verdict_or_an_exposure_kept(
    site: Site, client: TestClient, state_key: Callable[[str, str], str]
) -> None:
    data = picture()
    prediction_id, prediction = predicted(site, data)
    sample_id = ids.sample_id("default", prediction.frame.frame_id, prediction.model_id)
    sha256 = hashlib.sha256(data).hexdigest()
    at = keys.buffered_image("default", sample_id, time_ms=1, content_type="image/jpeg", sha256=sha256, size=1)
    site.images.put(at.key, data, at.content_type)
    site.state.put(state_key("default", sample_id), at.model_dump_json().encode(), 60)
    site.later(7 * HOUR_S)
    assert client.get(path(prediction_id)).content == data


def test_other_bytes_in_the_buffer_are_not_the_image(site: Site, client: TestClient) -> None:
    prediction_id, prediction = predicted(site)
    at = keep(site, prediction, picture())
    site.images.put(at.key, picture(64, 64), "image/jpeg")
    site.images.delete(at.preview_key)
    site.later(7 * HOUR_S)
    assert client.get(path(prediction_id)).status_code == 410


@pytest.mark.parametrize("decision", [b"", b'{"kind": "design", "image": null}'])
def test_a_frame_that_was_drawn_and_not_kept_has_no_image(site: Site, client: TestClient, decision: bytes) -> None:
    prediction_id, prediction = predicted(site)
    sample_id = ids.sample_id("default", prediction.frame.frame_id, prediction.model_id)
    site.state.decide([Undecided(keys.memo_key("default", sample_id), decision, ttl_s=60)])
    site.later(7 * HOUR_S)
    assert code(client.get(path(prediction_id))) == (410, "prediction_gone", "prediction_id")


BOMB = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00" + b"\0" * 4
BOMB += b"\x00\x00\x00\x00IEND\xaeB`\x82"


@pytest.mark.parametrize(
    "data", [b"<script>alert(1)</script>", b"\xff\xd8 pixels", b"\xff\xd8\xff truncated", BOMB, b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_image_is_never_drawn_on(site: Site, client: TestClient, data: bytes) -> None:
    prediction_id, _ = predicted(site, data)
    assert code(client.get(path(prediction_id, "?boxes=true"))) == (410, "prediction_gone", "prediction_id")
    if imaging.sniff(data) is None:
        assert client.get(path(prediction_id)).status_code == 410


def test_an_image_that_is_too_large_is_not_shown(
    site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.feedback.pictures.MAX_BYTES", 1_000)
    assert client.get(path(predicted(site, picture())[0])).status_code == 410


class TestPrivacy:
    """Where the settings hide parts of images, the frame itself is never shown."""

    @pytest.fixture
    def pictures(self, site: Site) -> Iterator[Pictures]:
        opened = Pictures(
            site.log, site.state, site.images, site.pixels, 5.0, collections=("default",), raw_images=False
        )
        with closing(opened):
            yield opened

    def test_only_what_was_kept_after_hiding(self, site: Site, pictures: Pictures) -> None:
        _, prediction = predicted(site)
        with pytest.raises(PredictionGone, match="privacy"):
            pictures.find(prediction)
        veiled = picture(320, 240)
        keep(site, prediction, veiled, altered=("black: face 1", "encoded as image/jpeg"))
        assert pictures.find(prediction).data == veiled

    def test_not_what_was_kept_before(self, site: Site, pictures: Pictures) -> None:
        _, prediction = predicted(site)
        keep(site, prediction, picture())
        with pytest.raises(PredictionGone, match="privacy"):
            pictures.find(prediction)


class TestRefused:
    @pytest.mark.parametrize("query", ["?max_side_px=0", "?max_side_px=99999", "?boxes=maybe", "?max_side_px=6.5"])
    def test_parameters_that_cannot_be(self, site: Site, client: TestClient, query: str) -> None:
        assert client.get(path(predicted(site)[0], query)).status_code == 422

    @pytest.mark.parametrize(
        "prediction_id",
        ["..%2f..%2fetc%2fpasswd", "..", "0-0-..%2f..%2fx", "0" * 10_000, "٣-4-deadbeef", "0-1", "0-1-2", "%00", "a b"],
    )
    def test_ids_that_are_none(self, client: TestClient, prediction_id: str) -> None:
        assert 400 <= client.get(path(prediction_id)).status_code < 500

    @pytest.mark.parametrize("prediction_id", ["9-0-deadbeef", "999999999-0-deadbeef", f"0-{'9' * 18}-deadbeef"])
    def test_ids_of_what_never_was(self, client: TestClient, prediction_id: str) -> None:
        assert code(client.get(path(prediction_id)))[:2] == (404, "unknown_prediction")

    def test_without_a_key(self, site: Site, client_for: Callable[..., TestClient]) -> None:
        client = client_for(api_keys={"porch-app": KEY})
        prediction_id, _ = predicted(site)
        assert code(client.get(path(prediction_id)))[0] == 401
        assert client.get(path(prediction_id), headers={"X-API-Key": KEY}).status_code == 200

    @pytest.mark.parametrize(
        ("caller", "status"),
        [
            (Caller("link", prediction_id="{id}"), 200),
            (Caller("link", prediction_id="0-1-deadbeef"), 403),
            (Caller("porch", sources=("porch*",)), 404),  # what is not for this key is not said to be there
            (Caller("doors", sources=("*door",)), 200),
        ],
    )
    def test_of_another_source_or_prediction(
        self, site: Site, desk_for: Callable[..., Desk], caller: Caller, status: int
    ) -> None:
        """The routes ask the caller, whoever it is: keys and links are made elsewhere."""
        prediction_id, _ = predicted(site)
        if caller.prediction_id == "{id}":
            caller = dataclasses.replace(caller, prediction_id=prediction_id)
        client = TestClient(as_seen_by(caller, desk_for()), raise_server_exceptions=False)
        assert client.get(path(prediction_id)).status_code == status


def test_a_signed_link_shows_its_prediction_and_no_other(site: Site, client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys={"porch-app": KEY})
    (mine, _), (other, _) = predicted(site), predicted(site)
    body = {"prediction_id": mine, "expires_in_s": 60, "may": ["image"]}
    told = client.post("/v1/links", json=body, headers={"X-API-Key": KEY}).json()
    assert pixels(client.get(told["url"] + "&boxes=true")).shape == (480, 640, 3)
    assert client.get(told["url"].replace(mine, other)).status_code == 403
    for elsewhere in (
        f"/v1/predictions/{mine}",
        "/v1/predictions?source_id=door",
        "/v1/predictions/stream",
        "/v1/sources",
    ):
        headers = {"Authorization": f"Bearer {told['token']}"}
        assert client.get(elsewhere, headers=headers).status_code == 403


def as_seen_by(caller: Caller, desk: Desk) -> FastAPI:
    """The images' route, with this caller."""
    app = FastAPI()
    images.add(app, desk)
    problems.add(app)
    (route,) = [one for one in app.routes if getattr(one, "path", "").endswith("/image")]
    (asked,) = [one for one in route.dependant.dependencies if one.name == "caller"]  # type: ignore[attr-defined]
    app.dependency_overrides[asked.call] = lambda: caller
    return app


def test_many_may_ask_at_once(site: Site, desk_for: Callable[..., Desk]) -> None:
    _, prediction = predicted(site)
    pictures = desk_for().pictures
    found = pictures.find(prediction)
    with ThreadPoolExecutor(12) as pool:
        drawn = list(pool.map(lambda _: pictures.render(found, prediction, Look(boxes=True)), range(24)))
    assert len({one.sha256 for one in drawn}) == 1
