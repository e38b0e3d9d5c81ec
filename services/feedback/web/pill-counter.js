// @ts-check
/**
 * The pill counter's page: draws a tray for a prediction, says how many pills were counted, and asks whether that is right.
 *
 * The address says which prediction is meant, after the `#`, where no server sees it:
 * #prediction_id=0-4711-1f0a9c3e&link=TOKEN and, where the verdicts go elsewhere, &server=https://gleaner.example
 */

const SVG = "http://www.w3.org/2000/svg", COLUMNS = 6, ROWS = 4, STEP_PX = 96, ROW_PX = 80, BORDER_PX = 80;

/** Numbers in [0, 1) that a text fixes: the same prediction shows the same tray. @param {string} text */
function* numbers(text) {
  let state = [...text].reduce((sum, char) => Math.imul(sum, 31) + (char.codePointAt(0) ?? 0), 7);
  for (;;) yield ((state = Math.imul(state, 1664525) + 1013904223) >>> 8) / 2 ** 24;
}

/** @param {string} tag @param {Record<string, string | number>} attributes @param {Element[]} children */
function shape(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** A pill, and a dot on it if the counter found it. @param {number} place @param {() => number} next @param {boolean} found */
function pill(place, next, found) {
  const x = BORDER_PX + STEP_PX * (place % COLUMNS) + 28 * (next() - 0.5);
  const y = BORDER_PX + ROW_PX * Math.floor(place / COLUMNS) + 20 * (next() - 0.5);
  const turned = shape("g", { transform: `translate(${x} ${y}) rotate(${360 * next()})` },
    shape("rect", { class: "pill", x: -36, y: -16, width: 72, height: 32, rx: 16 }),
    shape("path", { class: "half", d: "M0 -16 H20 A16 16 0 0 1 20 16 H0 Z" }));
  return found ? [turned, shape("circle", { class: "dot", cx: x, cy: y, r: 7 })] : [turned];
}

/** Twenty-odd pills, of which the counter overlooks one. @param {string} prediction_id @returns {number} how many it counted */
function draw(prediction_id) {
  const numbered = numbers(prediction_id), next = () => numbered.next().value ?? 0;
  const places = [...Array(COLUMNS * ROWS).keys()].filter(() => next() > 0.1), overlooked = Math.floor(next() * places.length);
  const pills = places.flatMap((place, index) => pill(place, next, index !== overlooked));
  const tray = shape("rect", { class: "tray", x: 4, y: 4, width: 632, height: 392, rx: 24 });
  document.querySelector("svg")?.append(tray, ...pills);
  return places.length - 1;
}

const address = new URLSearchParams(location.hash.slice(1)), prediction_id = address.get("prediction_id") ?? "";
const counted = String(draw(prediction_id));
const what = document.getElementById("what"), count = document.getElementById("count");
const button = document.querySelector("gleaner-verdict");
if (what) what.textContent = `A tray with pills; a dot on each of the ${counted} that were counted`;
if (count) count.textContent = counted;
for (const [attribute, name] of [["server", "server"], ["link", "link"], ["prediction-id", "prediction_id"]]) {
  const value = address.get(name);
  if (value) button?.setAttribute(attribute, value);
}
