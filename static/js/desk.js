// The desk: marks by keys, what is missing, what was marked kept until it is sent, and the half hour renewed while
// somebody works.
{
  const TICK = 1000;
  const WARN_FROM = 300;
  const desk = document.getElementById("desk");
  const form = () => document.getElementById("desk-form");
  const groups = (side) => [...form().querySelectorAll(side ? `[data-of="${side}"]` : "[data-marks]")];
  const chosen = (group) => group.querySelector("input:checked");
  let active = "a";
  let lease = null; // { until, renewed: milliseconds, every }
  let worked = 0;

  const fieldOf = (menu) => menu.querySelector("input:not([type=hidden])");
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("details[data-focus-field][open]")) fieldOf(event.target).focus();
  }, true);

  function begin() {
    arrive();
    setInterval(tick, TICK);
    for (const kind of ["keydown", "pointerdown", "wheel", "input"]) {
      document.addEventListener(kind, () => { worked = Date.now(); }, { passive: true, capture: true });
    }
    document.addEventListener("visibilitychange", tick);
    addEventListener("popstate", () => location.reload());
  }

  // A sample has come on the screen.
  function arrive() {
    active = "a";
    if (form()) {
      restore();
      activate(active);
      count();
    }
    const shown = document.getElementById("lease");
    const now = Date.now();
    lease = shown && { until: now + shown.dataset.seconds * 1000, renewed: now, every: shown.dataset.renewEvery * 1000 };
    tell("");
  }

  // Which answer is scored.
  function activate(side) {
    const cards = [...desk.querySelectorAll("[data-side]")];
    if (!cards.some((card) => card.dataset.side === side)) return;
    active = side;
    for (const card of cards) {
      const here = card.dataset.side === side && cards.length > 1;
      card.classList.toggle("is-active", here);
      card.toggleAttribute("aria-current", here);
      if (here) card.setAttribute("aria-current", "true");
      const word = card.querySelector("[data-here]");
      if (word) word.hidden = !here;
    }
    for (const group of groups()) group.closest("td").classList.toggle("is-active", group.dataset.of === side && cards.length > 1);
  }

  // Marks
  const groupOf = (name) => form().querySelector(`[data-marks="${active}-${name}"]`);
  const mark = (group, input) => {
    for (const row of form().querySelectorAll("tr[aria-current]")) row.removeAttribute("aria-current");
    group.closest("tr").setAttribute("aria-current", "true");
    input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const cycle = (group) => {
    const inputs = [...group.querySelectorAll("input")];
    mark(group, inputs[(inputs.indexOf(chosen(group)) + 1) % inputs.length]);
  };

  const lacking = () => groups().filter((group) => !chosen(group));
  // As the server has it: blanks, dots and what nobody sees say nothing.
  const saysSomething = (text) => /[\p{L}\p{N}]/u.test(text);
  const lacksComment = () =>
    !saysSomething(form().elements.comment.value) && form().querySelector("input[name$='-overall'][value=fail]:checked");
  function count() {
    const marks = lacking().length;
    const said = marks === 1 ? "1 mark is missing" : marks ? `${marks} marks are missing` : "";
    const words = said || (lacksComment() ? "A comment is missing: what is wrong?" : "");
    const place = document.getElementById("missing");
    if (place.textContent !== words) place.textContent = words;
    form().querySelector("[data-send]").setAttribute("aria-disabled", String(Boolean(words)));
  }

  // What is marked outlives a reload, a step to another sample and a lost lease, in this tab and for this person.
  const drawer = () => `desk ${desk.dataset.user} ${form().dataset.draft}`;
  const keep = () => {
    const marked = Object.fromEntries(groups().map((group) => [group.dataset.marks, chosen(group)?.value]));
    sessionStorage.setItem(drawer(), JSON.stringify({ marked, comment: form().elements.comment.value }));
  };
  function restore() {
    const kept = JSON.parse(sessionStorage.getItem(drawer()) ?? "null");
    if (!kept) return;
    for (const group of groups()) {
      const input = [...group.querySelectorAll("input")].find((one) => one.value === kept.marked[group.dataset.marks]);
      if (input && !chosen(group)) input.checked = true;
    }
    form().elements.comment.value ||= kept.comment;
  }

  // After a press by a pointer the arrows are the desk's again; whoever came by Tab moves with them among marks.
  let byPointer = false;
  document.addEventListener("pointerdown", () => { byPointer = true; }, true);
  document.addEventListener("keydown", () => { byPointer = false; }, true);

  document.addEventListener("change", (event) => {
    if (!desk || !event.target.closest("#desk-form")) return;
    const group = event.target.closest("[data-of]");
    if (group) activate(group.dataset.of);
    if (group && byPointer) event.target.blur();
    count();
    keep();
  });
  document.addEventListener("input", (event) => {
    if (!desk || !event.target.matches("#comment")) return;
    count();
    keep();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches("#comment")) event.target.blur();
  });
  // Escape closes a menu and gives the keys back to the desk: with the focus on its summary, Enter would open it again.
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && desk?.querySelector("details.menu[open]");
    if (!menu) return;
    event.preventDefault();
    menu.open = false;
    document.activeElement.blur();
  }, true);

  document.addEventListener("click", (event) => {
    const on = (what) => event.target.closest(what);
    if (!desk) return;
    if (on("[data-activate]")) activate(on("[data-activate]").dataset.activate);
    else if (on("[data-cycle]")) cycle(groupOf(on("[data-cycle]").dataset.cycle));
    else if (on("[data-overall]")) {
      const group = groupOf("overall");
      mark(group, group.querySelector(`[value=${on("[data-overall]").dataset.overall}]`));
    } else if (on("[data-take-up]")) {
      renew({ again: "1" });
      // Enter is the blue button's again.
      if (event.detail) on("[data-take-up]").blur();
    } else if (on("[data-reload]")) {
      event.preventDefault();
      location.reload();
    } else if (on(".score") && event.detail) {
      // Also where nothing changed.
      setTimeout(() => document.activeElement?.blur());
    }
  });

  // What is missing is said, and shown, rather than sent.
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "desk-form") return;
    const first = lacking()[0];
    if (!first && !lacksComment()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    count();
    if (isOver()) renew({ again: "1" });
    if (!first) return form().elements.comment.focus();
    activate(first.dataset.of);
    first.closest("tr").scrollIntoView({ block: "nearest" });
    for (const row of form().querySelectorAll("tr[aria-current]")) row.removeAttribute("aria-current");
    first.closest("tr").setAttribute("aria-current", "true");
  }, true);

  // What the blue button does, and Enter with it: "now", "again" where the half hour is over, "never" where somebody
  // else has the sample.
  function offer(way) {
    const [button, link] = ["[data-send]", "[data-leave]"].map((what) => form().querySelector(what));
    const words = way === "again" ? button.dataset.again : button.dataset.now;
    button.hidden = way === "never";
    link.hidden = !button.hidden;
    button.querySelector("[data-word]").textContent = button.dataset.keyWord = words;
    delete (button.hidden ? button : link).dataset.key;
    (button.hidden ? link : button).dataset.key = "Enter";
    button.value = "1";
    if (way === "again") button.name = "again";
    else button.removeAttribute("name");
  }

  // Sending, and what comes of it
  const notes = () => document.querySelectorAll("#desk-notes [data-note]");
  function tell(which) {
    for (const note of notes()) note.hidden = note.dataset.note !== which;
  }
  const pathOf = (xhr) => (xhr.responseURL ? new URL(xhr.responseURL).pathname : "");

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (event.detail.target !== desk) return;
    // Refused, or lost: the answer is the same sample with the reasons.
    if (xhr.status === 409 || xhr.status === 422) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    } else if (xhr.status === 200 && pathOf(xhr) && !pathOf(xhr).startsWith("/reviews/samples/")) {
      event.detail.shouldSwap = false;
      tell("signed-out");
    }
  });
  // What was sent, or skipped, need not be kept any more.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { xhr, requestConfig } = event.detail;
    const isOn = xhr.getResponseHeader("HX-Redirect") || pathOf(xhr).startsWith("/reviews/samples/");
    if (requestConfig.verb === "post" && xhr.status === 200 && isOn && form()) sessionStorage.removeItem(drawer());
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== desk) return;
    // htmx takes up what it has put in 20 ms later: keys that come in between would send the form past it.
    htmx.process(desk);
    const path = pathOf(event.detail.xhr);
    if (event.detail.xhr.status === 200 && path !== location.pathname) history.pushState({}, "", path);
    arrive();
    const problem = desk.querySelector("#refused, #lost");
    (problem ?? desk.querySelector("h1")).focus({ preventScroll: true });
    scrollTo(0, 0);
  });
  for (const failed of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(failed, () => tell("away"));
  document.addEventListener("htmx:responseError", (event) => tell(event.detail.xhr.status < 500 ? "refused" : "away"));

  // The half hour
  const over = () => document.getElementById("lease-over");
  const lost = () => document.getElementById("lease-lost");
  const isOver = () => Boolean(document.getElementById("lease")) && !over().hidden;
  function tick() {
    if (!lease || !document.getElementById("lease")) return;
    const seconds = Math.round((lease.until - Date.now()) / 1000);
    const shown = document.querySelector("#lease [data-left]");
    const words = seconds >= 60 ? `${Math.floor(seconds / 60)} min` : "under a minute";
    if (shown.textContent !== words) shown.textContent = words;
    document.getElementById("lease").classList.toggle("is-failing", seconds < WARN_FROM);
    if (seconds <= 0) {
      document.getElementById("lease").hidden = true;
      if (lost().hidden && over().hidden) {
        over().hidden = false;
        offer("again");
      }
    } else if (worked > lease.renewed && Date.now() - lease.renewed >= lease.every) {
      lease.renewed = Date.now();
      renew({});
    }
  }
  async function renew(more) {
    const shown = document.getElementById("lease");
    const body = new URLSearchParams({ sample: shown.dataset.sample, ...more });
    const headers = { Accept: "application/json", "X-CSRFToken": form().elements.csrfmiddlewaretoken.value };
    let answer;
    try {
      answer = await fetch(shown.dataset.renew, { method: "POST", body, headers });
    } catch {
      return; // The next try is not far, and the time that is left stays on the screen.
    }
    const isJson = answer.headers.get("Content-Type")?.includes("json");
    const { seconds, until, error } = isJson ? await answer.json() : {};
    if (shown !== document.getElementById("lease")) return;
    if (error?.code === "holds_most") {
      lease.until = Date.now();
      tick();
      over().querySelector("[data-full]").hidden = false;
    } else if (answer.status === 409) {
      shown.hidden = over().hidden = true;
      lost().hidden = false;
      offer("never");
    } else if (answer.ok && isJson) {
      lease.until = Date.now() + seconds * 1000;
      shown.querySelector("[data-until]").textContent = until;
      shown.hidden = false;
      over().hidden = lost().hidden = over().querySelector("[data-full]").hidden = true;
      offer("now");
      tick();
    }
  }

  if (desk) begin();
}
