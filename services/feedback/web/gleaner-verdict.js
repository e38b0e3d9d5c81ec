// @ts-check
/**
 * <gleaner-verdict>: asks people about one prediction, on any page. How to use it: docs/embed.md.
 *
 * Promises: says "thank you" only when the server's log has the answer. What could not be sent is kept and sent again under the
 * same key, so that it counts once. Nothing that an attribute or an answer holds is ever read as HTML.
 *
 * @typedef {{ about: string, server: string, path: string, key: string, at: number, body: Record<string, any> }} Letter
 * @typedef {{ state: "accepted" | "kept" | "refused", status: number, wait_s?: number, message?: string, answer?: any }} Result
 */

/** @type {Record<string, string>} What people read; the attribute `text-right` takes the place of `right`, and so on. */
const WORDS = {
  question: "Is this right?", right: "Right", wrong: "This looks wrong", unsure: "Not sure",
  "count-wrong": "This count looks wrong", why: "What is wrong?", "false-positive": "Something marked is not there",
  "wrong-class": "It is something else", "bad-box": "The box is off", missed: "Something was missed",
  "too-many": "Too many counted", "too-few": "Too few counted",
  back: "Back", sending: "Sending …", accepted: "Thank you, it is recorded.", change: "Change my answer", again: "Try again",
  kept: "Not sent yet: the server does not answer. Your answer is kept on this device and sent again.",
  held: "Not sent yet: the server does not answer. Your answer is sent again while this page is open.",
  refused: "Not recorded:", unusable: "There is nothing to judge: the page does not say which prediction is meant.",
};
const FALSE_POSITIVE = { kind: "rejected", reason: "false_positive" }, MISSED = { kind: "missed" };
const COUNT_REASONS = { "too-many": FALSE_POSITIVE, "too-few": MISSED };
const BOX_REASONS = {
  "false-positive": FALSE_POSITIVE,
  "wrong-class": { kind: "rejected", reason: "wrong_class" },
  "bad-box": { kind: "rejected", reason: "bad_box" },
};
const STYLE = new CSSStyleSheet(); // not an inline style: the strictest policy of a page allows it
STYLE.replaceSync(`
  :host { display: block; line-height: 1.4 }
  :host([hidden]) { display: none }
  p { margin: 0 0 8px; border-radius: 4px }
  p:empty { margin: 0 }
  div div { display: flex; flex-wrap: wrap; gap: 8px }
  button { font: inherit; min-height: 44px; min-width: 44px; padding: 8px 16px; border-radius: 8px; cursor: pointer; text-align: start;
    color: var(--gleaner-text, light-dark(#1d2327, #e6e8ea)); background: var(--gleaner-surface, light-dark(#fff, #22272c));
    border: 1px solid var(--gleaner-border, light-dark(#767d84, #8a939c)) }
  button[part="back"] { background: none; border-color: transparent; color: inherit; text-decoration: underline }
  button:hover { background: var(--gleaner-hover, light-dark(#edf1f5, #323940)) }
  :focus-visible { outline: 3px solid var(--gleaner-focus, light-dark(#0b57d0, #8ab4f8)); outline-offset: 2px }
  @media (prefers-reduced-motion: no-preference) { button { transition: background-color 0.15s } }
`);
const DAY_MS = 86_400_000, PREFIX = "gleaner-verdict:", MOST_KEPT = 50, TIMEOUT_MS = 20_000, MOST_WAIT_S = 3600;
const exposed = new Set(); // server and prediction of what was told on this page view
/** @type {Map<string, AbortController>} By key: who takes an answer back stops all that send it, other elements too. */
const sendings = new Map();

/** This page's storage; null where the browser forbids it. */
const storage = () => { try { return localStorage; } catch { return null; } };

/** What is kept on this device; forgets what is too old, or no letter. @returns {Letter[]} */
const kept = () => Object.keys(storage() ?? {}).filter((name) => name.startsWith(PREFIX)).flatMap((name) => {
  try {
    const letter = JSON.parse(localStorage[name]);
    if (Date.now() - letter.at < 30 * DAY_MS && letter.body.prediction_id) return [letter];
  } catch { /* no letter: forgotten below */ }
  localStorage.removeItem(name);
  return [];
});

/** Whether it is on this device now: a full or forbidden storage says no. @param {Letter} letter */
function keep(letter) {
  try {
    if (kept().length < MOST_KEPT) localStorage.setItem(PREFIX + letter.key, JSON.stringify(letter));
    return PREFIX + letter.key in localStorage;
  } catch { return false; }
}

/** @param {Letter} letter */
function forget(letter) {
  sendings.delete(letter.key);
  storage()?.removeItem(PREFIX + letter.key);
}

/** Also where the page is no secure context and has no randomUUID. */
const newKey = () => crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join("-");

/** Seconds, or a date. @param {string | null} header */
const retryAfter = (header) => Math.max(0, Number(header ?? 0) || (Date.parse(header ?? "") - Date.now()) / 1000 || 0);

/** One attempt. Without an answer it may have arrived all the same: the key makes it safe to send again.
 * @param {Letter} letter @param {HeadersInit} credentials @param {AbortSignal} withdrawn @returns {Promise<Result>} */
async function post({ server, path, key, body }, credentials, withdrawn) {
  let request, response;
  try {
    if (!/^https?:\/\//.test(server)) throw new TypeError(`server: expected an http address, got ${server.slice(0, 80)}`);
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key, ...credentials };
    request = new Request(server + path, { method: "POST", headers, body: JSON.stringify(body), keepalive: true });
  } catch (error) { // it can never be sent
    return { state: "refused", status: 0, message: error instanceof Error ? error.message : "" };
  }
  try {
    response = await fetch(request, { signal: AbortSignal.any([withdrawn, AbortSignal.timeout(TIMEOUT_MS)]) });
  } catch { return { state: "kept", status: 0 }; }
  const { status } = response, answer = await response.json().catch(() => null);
  if (status === 202) return { state: "accepted", status, answer };
  const passing = status === 408 || status === 429 || status >= 500;
  if (passing) return { state: "kept", status, wait_s: retryAfter(response.headers.get("Retry-After")) };
  return { state: "refused", status, message: String(answer?.error?.message ?? `the server answers ${status}`) };
}

/** Sends until there is an answer, or it is withdrawn; tells the result of each attempt.
 * @param {Letter} letter @param {HeadersInit} credentials @param {AbortSignal} withdrawn @param {(result: Result) => void} tell */
async function deliver(letter, credentials, withdrawn, tell) {
  for (let attempt = 0; !withdrawn.aborted; attempt++) {
    const result = await post(letter, credentials, withdrawn);
    if (withdrawn.aborted) return;
    if (result.state !== "kept") forget(letter);
    tell(result);
    if (result.state !== "kept") return;
    const wait_s = Math.max(result.wait_s ?? 0, Math.min(60, 2 ** attempt) * (0.5 + Math.random() / 2));
    const waiting = new AbortController(), { signal } = waiting;
    await new Promise((resolve) => {
      setTimeout(resolve, 1000 * Math.min(MOST_WAIT_S, wait_s));
      withdrawn.addEventListener("abort", resolve, { signal });
      if (result.status === 0) addEventListener("online", resolve, { signal });
    });
    waiting.abort(); // else each attempt would leave its listeners behind
  }
}

/** Counts while half of an element is on the screen, nothing hides it, and the page is in front; tells when the page goes.
 * @param {Element} element @param {(visible_ms: number, shown_at: string) => void} tell @returns {() => void} ends it */
function watch(element, tell) {
  let seen_ms = 0, since = NaN, shown_at = "", on_screen = false;
  const listening = new AbortController(), { signal } = listening;
  const count = () => {
    seen_ms += performance.now() - since || 0;
    const seen = on_screen && !document.hidden && element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    since = seen ? performance.now() : NaN;
    if (seen) shown_at ||= new Date().toISOString();
  };
  const end = () => { count(); tell(Math.min(DAY_MS, Math.floor(seen_ms)), shown_at); };
  const observer = new IntersectionObserver((entries) => {
    on_screen = entries[entries.length - 1].intersectionRatio >= 0.5;
    count();
  }, { threshold: [0, 0.5] });
  observer.observe(element);
  // A phone may never say that a page ends, only that it is hidden: what was seen until then is what counts.
  document.addEventListener("visibilitychange", () => (document.hidden ? end() : count()), { signal });
  addEventListener("pagehide", end, { signal });
  return () => { end(); observer.disconnect(); listening.abort(); };
}

class GleanerVerdict extends HTMLElement {
  static observedAttributes = ["prediction-id", "detection-index", "server", "link", "api-key"];
  #subject = { about: "", server: "", prediction_id: "" };
  /** @type {Record<string, string>} */
  #credentials = {};
  #unwatch = () => {};
  #sending = new AbortController();
  #root = this.attachShadow({ mode: "open" });
  #box = document.createElement("div");
  #question = document.createElement("p");
  #status = document.createElement("p");
  #choices = document.createElement("div");

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [STYLE];
    this.#box.setAttribute("role", "group");
    this.#status.setAttribute("role", "status");
    this.#question.tabIndex = this.#status.tabIndex = -1; // they take the focus that a pressed button leaves behind
    this.#box.append(this.#question, this.#status, this.#choices);
    this.#root.append(this.#box);
  }

  connectedCallback() { this.attributeChangedCallback(); }
  disconnectedCallback() { this.attributeChangedCallback(); }
  /** Once for all attributes that change together; an element that only moves starts nothing anew. */
  attributeChangedCallback() { queueMicrotask(() => this.#settle()); }

  #settle() {
    const prediction_id = this.getAttribute("prediction-id") ?? "";
    const token = this.getAttribute("link") ?? this.getAttribute("api-key");
    const server = (this.getAttribute("server") ?? new URL(".", import.meta.url).href).replace(/\/+$/, "");
    const about = this.isConnected ? JSON.stringify([server, prediction_id, this.getAttribute("detection-index")]) : "";
    const same = about === this.#subject.about;
    if (!same) this.#unwatch(); // under the credentials with which it was seen
    this.#credentials = token ? { Authorization: `Bearer ${token}` } : {};
    if (same) return;
    [this.#subject, this.#unwatch, this.#sending] = [{ about, server, prediction_id }, () => {}, new AbortController()];
    if (about) this.#begin();
  }

  #begin() {
    this.#ask();
    for (const letter of kept().filter(({ about }) => about === this.#subject.about))
      if (letter.path === "/v1/verdicts") this.#send(letter); else this.#deliver(letter);
    const of = this.getAttribute("exposure-of"), target = of === null ? this : document.getElementById(of);
    const wanted = this.hasAttribute("exposure") && this.#subject.prediction_id;
    if (wanted && target) this.#unwatch = watch(target, (...seen) => this.#expose(...seen));
  }

  #ask() {
    const right = () => this.#judge({ kind: "confirmed" }), wrong = () => this.#why(), unsure = () => this.#judge({ kind: "unsure" });
    if (!this.#subject.prediction_id) this.#show("", {}, "unusable");
    else if (this.getAttribute("mode") === "count") this.#show("", { "count-wrong": wrong });
    else this.#show("question", { right, wrong, unsure });
  }

  #why() {
    const boxes = this.hasAttribute("detection-index") ? BOX_REASONS : { ...BOX_REASONS, missed: MISSED };
    const reasons = Object.entries(this.getAttribute("mode") === "count" ? COUNT_REASONS : boxes);
    const choices = reasons.map(([word, said]) => [word, () => this.#judge(said)]);
    this.#show("why", { ...Object.fromEntries(choices), back: () => this.#ask() });
  }

  /** @param {object} said */
  #judge(said) {
    const index = this.getAttribute("detection-index") ?? undefined, reviewer = this.getAttribute("reviewer") ?? undefined;
    const detection_index = /^\d+$/.test(index ?? "") ? Number(index) : index; // what is no number is for the server to refuse
    this.#send(this.#letter("/v1/verdicts", { ...said, detection_index, reviewer }));
  }

  /** @param {number} visible_ms @param {string} shown_at */
  #expose(visible_ms, shown_at) {
    const { server, prediction_id } = this.#subject, told = `${server} ${prediction_id}`;
    if (visible_ms < Number(this.getAttribute("min-visible-ms") ?? 1000) || exposed.has(told)) return;
    exposed.add(told);
    const surface = this.getAttribute("exposure") || "page";
    const viewer = this.getAttribute("reviewer") ?? undefined;
    const letter = this.#letter("/v1/exposures", { surface, visible_ms, shown_at, viewer });
    keep(letter);
    this.#deliver(letter);
  }

  /** @param {string} path @param {object} said @returns {Letter} */
  #letter(path, said) {
    const { about, server, prediction_id } = this.#subject;
    return { about, server, path, key: newKey(), at: Date.now(), body: { prediction_id, ...said } };
  }

  /** @param {Letter} letter */
  #send(letter) {
    const sending = (this.#sending = sendings.get(letter.key) ?? new AbortController()), unsent = keep(letter) ? "kept" : "held";
    const anew = () => { forget(letter); sending.abort(); };
    sendings.set(letter.key, sending);
    sending.signal.addEventListener("abort", () => { if (sending === this.#sending) this.#ask(); });
    let said = "sending";
    this.#show("", {}, said);
    this.#deliver(letter, sending.signal, ({ state, message = "" }) => {
      const word = state === "kept" ? unsent : state;
      if (sending !== this.#sending || word === said) return; // it speaks of something else by now, or has said so
      this.#show("", { [state === "refused" ? "again" : "change"]: anew }, said = word, message);
    });
  }

  /** @param {Letter} letter @param {(result: Result) => void} [show] */
  #deliver(letter, withdrawn = new AbortController().signal, show = () => {}) {
    const name = letter.path === "/v1/verdicts" ? "gleaner-verdict" : "gleaner-exposure";
    deliver(letter, this.#credentials, withdrawn, (result) => {
      show(result);
      const detail = { ...letter.body, ...result, verdict_id: result.answer?.verdict_id };
      this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
    });
  }

  /** @param {string} question @param {Record<string, () => void>} choices */
  #show(question, choices, status = "", detail = "") {
    const focused = this.#root.activeElement;
    const word = (/** @type {string} */ name) => this.getAttribute(`text-${name}`) ?? WORDS[name] ?? "";
    this.#choices.replaceChildren(...Object.entries(choices).map(([name, onclick]) =>
      Object.assign(document.createElement("button"), { type: "button", part: name, textContent: word(name), onclick })));
    this.#question.textContent = word(question);
    this.#status.textContent = `${word(status)} ${detail}`.trim();
    this.#box.ariaLabel = word(question || "question");
    const next = question ? this.#question : status ? this.#status : this.#choices.querySelector("button");
    if (focused && !focused.isConnected) next?.focus();
  }
}

if (!customElements.get("gleaner-verdict")) customElements.define("gleaner-verdict", GleanerVerdict);
