"""Draws the pictures of docs/strategies/ from the stories: `python -m docs.pictures.strategies`.

Promises: the scores, the marked frames and the words under them are what the tracker and the strategy make of the story; the
same bytes on every run. A test compares.
"""

from functools import partial
from pathlib import Path
from xml.sax.saxutils import escape

from docs.pictures.stories import HEIGHT_PX, STORIES, THRESHOLD, WIDTH_PX, Seen, Shot, Story, Thing
from services.sampler.recent.past import Past
from services.sampler.recent.tracker import WARM_FRAMES, Tracker
from services.sampler.strategies import REGISTRY, Strategy
from services.sampler.strategies.scene import Scene
from shared.streams import ids
from shared.streams.frames import FrameRef
from shared.streams.predictions import Detection, Prediction

FOLDER = Path(__file__).parents[1] / "strategies" / "pictures"
SALT = b"the pictures show the same draws on every run, 41"
PAGE_WIDTH_PX, MARGIN_PX, GAP_PX, HEAD_PX = 800, 12, 10, 44
FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
INK, GREY, PAPER, WALL, GROUND, MARK, SHADOW = (
    "#1f2937",
    "#6b7280",
    "#ffffff",
    "#eef2f6",
    "#dbe2ea",
    "#c2410c",
    "#db2777",
)
LEAST_LABELLED_SCALE, LABEL_PX = 0.8, 76
COLOURS = {"package": "#1d4ed8", "person": "#0e7490", "cat": "#047857", "dog": "#7c3aed"}
FUR = {"cat": "#9ca3af", "dog": "#a8917a"}


# What happens


def scenes(story: Story) -> list[Scene]:
    """Each frame as the strategy gets it."""
    tracker = Tracker()
    for i in range(WARM_FRAMES + 1):
        tracker.meet(_prediction(i, (story.before or story.shots[0]).seen))
    predictions = [_prediction(WARM_FRAMES + 1 + i, shot.seen) for i, shot in enumerate(story.shots)]
    pasts = [tracker.meet(one) for one in predictions]
    return [
        Scene(one, past, None if shot.shadow is None else _prediction(i, shot.shadow), _gaps(pasts, i))
        for i, (one, past, shot) in enumerate(zip(predictions, pasts, story.shots, strict=True))
    ]


def _gaps(pasts: list[Past], i: int) -> int:
    """Tracks that the i-th frame misses and a later one finds again."""
    return sum(j - missed <= i < j for j in range(len(pasts)) for missed in pasts[j].returned)


def _prediction(index: int, seen: tuple[Seen, ...]) -> Prediction:
    frame = FrameRef(
        stream="frames", partition=0, offset=index, time_ms=index, frame_id=f"{index:032x}", sha256="0" * 64, size=1
    )
    boxes = tuple(
        Detection(box=one.box, class_id=0, class_name=one.class_name, confidence=one.confidence) for one in seen
    )
    return Prediction(
        frame=frame,
        source_id="door",
        frame_index=index - WARM_FRAMES - 1 if index > WARM_FRAMES else None,
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        model_id="model",
        model_version="1",
        threshold=THRESHOLD,
        detections=boxes,
    )


def _marked(strategy: Strategy, shown: list[Scene]) -> list[bool]:
    """A floor: what it draws. Else: the frames that interest most."""
    if strategy.floor:
        dice = partial(ids.draw, SALT, "draw", "default", strategy.label)
        return [strategy.fires(scene, dice, strategy.fixed or 1.0) for scene in shown]
    scores = [strategy.score(scene) for scene in shown]
    return [bool(score) and score == max(scores) for score in scores]


# How it looks


def picture(name: str) -> str:
    """The SVG of a strategy."""
    story = STORIES[name]
    strategy = REGISTRY[name](**story.options)
    shown = scenes(story)
    marked = _marked(strategy, shown)
    scale = ((PAGE_WIDTH_PX - 2 * MARGIN_PX + GAP_PX) / len(shown) - GAP_PX) / WIDTH_PX
    foot = HEAD_PX + HEIGHT_PX * scale
    frames = [
        _frame(i, shot, strategy, scene, is_marked, scale)
        for i, (shot, scene, is_marked) in enumerate(zip(story.shots, shown, marked, strict=True))
    ]
    why = next((strategy.rule(scene) for scene, is_marked in zip(shown, marked, strict=True) if is_marked), "")
    body = [_text(MARGIN_PX, 27, story.title, 15, INK, "bold"), *frames, *_legend(foot + 46, why, story)]
    return _page(foot + 58, f"{name}: {story.title}", body)


def _page(height: float, title: str, body: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {PAGE_WIDTH_PX} {height:.0f}" '
        f'width="{PAGE_WIDTH_PX}" height="{height:.0f}" font-family="{FONT}">'
    )
    paper = f'<rect width="{PAGE_WIDTH_PX}" height="{height:.0f}" rx="8" fill="{PAPER}" stroke="{GROUND}"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", paper, *body, "</svg>", ""])


def _frame(i: int, shot: Shot, strategy: Strategy, scene: Scene, is_marked: bool, scale: float) -> str:
    left = MARGIN_PX + i * (WIDTH_PX * scale + GAP_PX)
    edge = f'stroke="{MARK}" stroke-width="{4 / scale:.1f}"' if is_marked else f'stroke="{GROUND}" stroke-width="1"'
    parts = [
        f'<g transform="translate({left:.1f} {HEAD_PX}) scale({scale:.4f})">',
        f'<rect width="{WIDTH_PX}" height="{HEIGHT_PX}" fill="{WALL}"/>',
        f'<rect y="68" width="{WIDTH_PX}" height="{HEIGHT_PX - 68}" fill="{GROUND}"/>',
        *(_thing(one) for one in shot.things),
        *(_box(one, COLOURS[one.class_name]) for one in shot.seen),
        *(_box(one, SHADOW, inset=4) for one in shot.shadow or ()),
        *(_labels(shot) if scale > LEAST_LABELLED_SCALE else ()),
        f'<rect width="{WIDTH_PX}" height="{HEIGHT_PX}" fill="none" {edge}/>',
        "</g>",
        _verdict(left, HEAD_PX + HEIGHT_PX * scale, WIDTH_PX * scale, strategy, scene, is_marked),
    ]
    return "\n".join(parts)


def _thing(thing: Thing) -> str:
    x, y = thing.left, thing.foot
    if thing.kind == "package":
        tape = f'<rect x="{x + 17}" y="{y - 30}" width="6" height="30" fill="#e3c79b"/>'
        return f'<rect x="{x}" y="{y - 30}" width="40" height="30" rx="2" fill="#c89f66"/>{tape}'
    if thing.kind == "person":
        head = f'<circle cx="{x + 11}" cy="{y - 47}" r="7" fill="#64748b"/>'
        return f'{head}<rect x="{x}" y="{y - 38}" width="22" height="38" rx="9" fill="#64748b"/>'
    return _animal(x, y, FUR[thing.kind])


def _animal(x: float, y: float, fur: str) -> str:
    legs = "".join(f'<rect x="{x + at}" y="{y - 10}" width="4" height="10" fill="{fur}"/>' for at in (8, 14, 26, 32))
    ears = f'<path d="M{x + 31} {y - 22} l2 -9 l5 6 z M{x + 38} {y - 25} l5 -6 l2 9 z" fill="{fur}"/>'
    body = f'<ellipse cx="{x + 21}" cy="{y - 14}" rx="17" ry="8" fill="{fur}"/>'
    tail = f'<path d="M{x + 6} {y - 16} q-8 -6 -4 -13" fill="none" stroke="{fur}" stroke-width="3"/>'
    return f'{legs}{ears}{body}{tail}<circle cx="{x + 38}" cy="{y - 19}" r="8" fill="{fur}"/>'


def _box(seen: Seen, colour: str, inset: float = 0) -> str:
    """Dashed where the product does not show it."""
    left, top, right, bottom = seen.box
    dashes = "" if seen.confidence >= THRESHOLD else ' stroke-dasharray="4 3"'
    return (
        f'<rect x="{left + inset:.0f}" y="{top + inset:.0f}" width="{right - left - 2 * inset:.0f}" '
        f'height="{bottom - top - 2 * inset:.0f}" fill="none" stroke="{colour}" stroke-width="2.5"{dashes}/>'
    )


def _labels(shot: Shot) -> list[str]:
    """Ours above the boxes; the shadow's, and of two in one place the second, below. Boxes of one class: the number alone."""
    above, places = [], set()
    for one in shot.seen:
        above.append((one, COLOURS[one.class_name], one.box[3] + 13 if one.box in places else one.box[1] - 5))
        places.add(one.box)
    below = [(one, SHADOW, one.box[3] + 13) for one in shot.shadow or ()]
    return [line for group in (above, below) for line in _group(group)]


def _group(labels: list[tuple[Seen, str, float]]) -> list[str]:
    alike = len(labels) > 1 and len({one.class_name for one, _, _ in labels}) == 1
    return [
        _text(_inside((one.box[0] + one.box[2]) / 2, alike), y, _label(one, alike), 11, colour, "bold", "middle")
        for one, colour, y in labels
    ]


def _inside(x: float, is_short: bool) -> float:
    """Moved so that a label of a word and a number, which is centred here, stays in the frame."""
    return x if is_short else min(max(x, LABEL_PX / 2), WIDTH_PX - LABEL_PX / 2)


def _label(one: Seen, alike: bool) -> str:
    return f"{one.confidence:.2f}" if alike else f"{one.class_name} {one.confidence:.2f}"


def _verdict(left: float, top: float, width: float, strategy: Strategy, scene: Scene, is_marked: bool) -> str:
    if strategy.floor:
        return _text(left + width / 2, top + 20, "drawn", 12, MARK, "bold", "middle") if is_marked else ""
    score = strategy.score(scene)
    bar = f'<rect x="{left:.1f}" y="{top + 12:.1f}" width="{{:.1f}}" height="8" rx="2" fill="{{}}"/>'
    track, fill = bar.format(width - 38, GROUND), bar.format((width - 38) * score, MARK if is_marked else GREY)
    number = _text(left + width, top + 20, f"{score:.2f}", 13, MARK if is_marked else INK, "bold", "end")
    return f"{track}{fill if score else ''}{number}"


def _legend(y: float, why: str, story: Story) -> list[str]:
    says = _text(MARGIN_PX, y, f"“{why}”", 13, MARK, "normal")
    has_weak = any(one.confidence < THRESHOLD for shot in story.shots for one in shot.seen)
    words = "dashed: below the threshold 0.50, not shown" if has_weak else ""
    return [says, _text(PAGE_WIDTH_PX - MARGIN_PX, y, words, 12, GREY, "normal", "end")]


def _text(x: float, y: float, words: str, size: int, colour: str, weight: str, anchor: str = "start") -> str:
    look = f'font-size="{size}" font-weight="{weight}" fill="{colour}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>'


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in STORIES:
        (FOLDER / f"{name}.svg").write_text(picture(name), encoding="utf-8")
