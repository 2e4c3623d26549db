// Refreshes #figures in place, every 1.5 s while somebody looks, and says so where it does not work.
{
  const EVERY = 1500;
  const AFTER_FAILURE = 10000;
  const figures = document.getElementById("figures");
  const stale = document.querySelector("#stale .note");
  let timer = 0;
  let asking = false;
  let paused = false;
  let shown = Date.now();

  const live = () => figures.querySelector("[data-live]");
  const goesOn = () => !paused && !document.hidden && live()?.dataset.live === "on";
  const schedule = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(ask, wait);
  };
  const ask = () => {
    if (asking || !goesOn()) return;
    asking = true;
    htmx.trigger(figures, "refresh");
  };

  // What the page has drawn or somebody has opened is no part of what the server sends.
  Idiomorph.defaults.callbacks = {
    ...Idiomorph.defaults.callbacks,
    beforeNodeMorphed: (old) => !(old instanceof HTMLCanvasElement || old.dataset?.keep !== undefined),
    beforeAttributeUpdated: (name, element) => !(name === "open" && element instanceof HTMLDetailsElement),
  };

  figures.addEventListener("htmx:beforeSwap", (event) => {
    if (paused) event.detail.shouldSwap = false;
    // Signed out meanwhile: the answer is the login page.
    if (event.detail.xhr.responseURL && new URL(event.detail.xhr.responseURL).pathname !== location.pathname) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  figures.addEventListener("htmx:afterRequest", (event) => {
    asking = false;
    if (event.detail.successful) shown = Date.now();
    tellAge(event.detail.successful);
    schedule(event.detail.successful ? EVERY : AFTER_FAILURE);
  });

  const tellAge = (fresh) => {
    stale.hidden = fresh;
    figures.classList.toggle("is-stale", !fresh);
    if (fresh) return;
    const word = figures.querySelector("[data-live-word]");
    if (word) word.textContent = "Not refreshed";
    stale.querySelector("[data-since]").textContent = live()?.querySelector("time")?.textContent ?? "";
    const seconds = Math.round((Date.now() - shown) / 1000);
    stale.querySelector("[data-age]").textContent =
      seconds < 120 ? `${seconds} s old` : `${Math.round(seconds / 60)} min old`;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pause]");
    if (!button) return;
    paused = !paused;
    button.setAttribute("aria-pressed", paused);
    button.querySelector("span").textContent = paused ? "Go on" : "Pause";
    figures.querySelector("[data-live-word]").textContent = paused ? "Paused" : "Live";
    figures.classList.toggle("is-paused", paused);
    if (!paused) ask();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask();
  });
  schedule(EVERY);
}
