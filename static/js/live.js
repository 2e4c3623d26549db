// Refreshes #figures in place while somebody looks. Says so where that does not work, and what came in while it is paused.
{
  const EVERY = 1500;
  const AFTER_FAILURE = 10000;
  // A server that answers slowly is asked less often: one page keeps it busy for a fifth of the time at most.
  const TIMES_THE_ANSWER = 4;
  const LONGEST = 30000;
  const COUNTED_EVERY = 3000;
  const figures = document.getElementById("figures");
  const notes = [...document.querySelectorAll("#stale .note")];
  const pausedNote = document.querySelector("#paused .note");
  let timer = 0;
  let asking = false;
  let askedAt = 0;
  let paused = null; // { since: Date, before: events at that time }
  let shown = Date.now();
  let focused = null; // what had the focus before the figures changed

  const live = () => figures.querySelector("[data-live]");
  const goesOn = () => !paused && !document.hidden && live()?.dataset.live === "on";
  // Many open pages must not ask at the same moment for ever.
  const scattered = (wait) => Math.min(wait, LONGEST) * (0.85 + Math.random() * 0.3);
  const schedule = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(paused ? count : ask, scattered(wait));
  };
  const ask = () => {
    if (asking || !goesOn()) return;
    asking = true;
    askedAt = Date.now();
    htmx.trigger(figures, "refresh");
  };

  // What the page has drawn or somebody has opened is no part of what the server sends.
  Idiomorph.defaults.callbacks = {
    ...Idiomorph.defaults.callbacks,
    beforeNodeMorphed: (old) => !(old instanceof HTMLCanvasElement || old.dataset?.keep !== undefined),
    beforeAttributeUpdated: (name, element) => !(name === "open" && element instanceof HTMLDetailsElement),
  };

  figures.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target !== figures) return;
    focused = figures.contains(document.activeElement) ? document.activeElement : null;
    if (paused) event.detail.shouldSwap = false;
    // Signed out meanwhile: the answer is the login page.
    if (event.detail.xhr.responseURL && new URL(event.detail.xhr.responseURL).pathname !== location.pathname) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  // A row that moved keeps the focus; of a link that is gone, the one that leads to the same place gets it.
  figures.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== figures || !focused || document.activeElement !== document.body) return;
    const href = focused.getAttribute("href");
    const same = [...figures.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === href);
    (focused.isConnected ? focused : same)?.focus({ preventScroll: true });
  });
  figures.addEventListener("htmx:afterRequest", (event) => {
    // A part of the page may ask for something of its own.
    if (event.target !== figures) return;
    asking = false;
    if (paused) return;
    if (event.detail.successful) shown = Date.now();
    tellAge(event.detail.successful ? null : codeOf(event.detail.xhr));
    const wait = Math.max(EVERY, (Date.now() - askedAt) * TIMES_THE_ANSWER);
    schedule(event.detail.successful ? wait : AFTER_FAILURE);
  });

  const codeOf = (answer) => {
    try {
      return JSON.parse(answer.responseText).error.code;
    } catch {
      return ""; // nobody answered
    }
  };

  // `code` says what is wrong, null that nothing is.
  const tellAge = (code) => {
    const said = code === null ? null : (notes.find((note) => note.dataset.problem === code) ?? notes[0]);
    for (const note of notes) note.hidden = note !== said;
    figures.classList.toggle("is-stale", Boolean(said));
    if (!said) return;
    const word = figures.querySelector("[data-live-word]");
    if (word) word.textContent = "Not refreshed";
    said.querySelector("[data-since]").textContent = live()?.querySelector("time")?.textContent ?? "";
    const seconds = Math.round((Date.now() - shown) / 1000);
    said.querySelector("[data-age]").textContent =
      seconds < 120 ? `${seconds} s old` : `${Math.round(seconds / 60)} min old`;
  };

  const pause = () => {
    paused = { since: new Date(), before: null };
    pausedNote.querySelector("[data-paused-at]").textContent = paused.since.toLocaleTimeString("en-GB");
    pausedNote.querySelector("[data-came-in]").textContent = "";
    show();
    count();
  };
  const goOn = () => {
    paused = null;
    show();
    ask();
  };
  const show = () => {
    const button = figures.querySelector("[data-pause]");
    button.setAttribute("aria-pressed", Boolean(paused));
    button.querySelector("span").textContent = paused ? "Go on" : "Pause";
    figures.querySelector("[data-live-word]").textContent = paused ? "Paused" : "Live";
    figures.classList.toggle("is-paused", Boolean(paused));
    pausedNote.hidden = !paused;
  };

  // How many events came in since: one number, many times cheaper than the figures.
  const count = async () => {
    const asked = paused;
    if (!asked || document.hidden) return;
    const begun = Date.now();
    let words = "How many events came in since is not known just now.";
    try {
      const answer = await fetch(`${figures.dataset.cameIn}&since=${asked.since.toISOString()}`, {
        headers: { Accept: "application/json" },
      });
      const { events } = await answer.json();
      asked.before ??= events;
      const more = events - asked.before;
      if (Number.isFinite(more)) words = `${more ? more.toLocaleString("en-US") : "No"} event${more === 1 ? "" : "s"} came in since.`;
    } catch {
      // Says so.
    }
    if (asked !== paused) return;
    pausedNote.querySelector("[data-came-in]").textContent = words;
    schedule(Math.max(COUNTED_EVERY, (Date.now() - begun) * TIMES_THE_ANSWER));
  };

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-pause]");
    if (!pressed) return;
    event.preventDefault();
    if (paused) goOn();
    else pause();
    // What was pressed may have gone, and the focus with it.
    if (pausedNote.contains(pressed)) figures.querySelector("[data-pause]").focus();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    if (paused) count();
    else ask();
  });
  schedule(EVERY);
}
