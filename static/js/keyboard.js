// Keys. An element says by `data-key` which key presses it ("/", or two in turn: "g o"), and by `data-key-word`, else by
// its own text, what that does. `j` and `k` go through the rows of a table [data-rows]: to the first link of each.
{
  const NEXT_KEY_WITHIN = 1500;
  const dialog = document.getElementById("keys");
  let first = { key: "", at: 0 };

  const keyed = () => [...document.querySelectorAll("[data-key]")];
  const links = () =>
    [...document.querySelectorAll("[data-rows] > tbody > tr")].map((row) => row.querySelector("a[href]")).filter(Boolean);
  const isTypedIn = (element) =>
    element.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

  const press = (element) => {
    if (!element.matches("input, select, textarea")) return element.click();
    element.focus();
    element.select?.();
  };

  const step = (by) => {
    const all = links();
    const row = document.activeElement.closest("[data-rows] > tbody > tr");
    const here = all.findIndex((link) => row?.contains(link));
    const next = here < 0 ? 0 : Math.min(Math.max(here + by, 0), all.length - 1);
    all[next]?.focus();
    all[next]?.scrollIntoView({ block: "nearest" });
    return all.length > 0;
  };

  const does = (pressed) => {
    const element = keyed().find((one) => one.dataset.key === pressed);
    if (element) press(element);
    else if (pressed === "j") return step(1);
    else if (pressed === "k") return step(-1);
    return Boolean(element);
  };
  // What has the focus does something by this key itself.
  const isItsOwn = ({ key, target, repeat }) =>
    (key === "Enter" && (repeat || target.closest?.("a[href], button, summary"))) ||
    (key.startsWith("Arrow") && target.matches?.("input, [role=radiogroup] *"));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (dialog?.open || isTypedIn(event.target) || isItsOwn(event)) return;
    const follows = first.key && event.timeStamp - first.at < NEXT_KEY_WITHIN;
    const pressed = follows ? `${first.key} ${event.key}` : event.key;
    first = { key: "", at: 0 };
    if (does(pressed)) event.preventDefault();
    else if (keyed().some((one) => one.dataset.key.startsWith(`${pressed} `))) first = { key: pressed, at: event.timeStamp };
  });

  // What they are, as this page has them.
  const CAPS = { ArrowLeft: "←", ArrowRight: "→" };
  const line = (keys, word) => {
    const name = document.createElement("dt");
    for (const key of keys) {
      const cap = document.createElement("kbd");
      cap.textContent = CAPS[key] ?? key;
      name.append(cap, " ");
    }
    const means = document.createElement("dd");
    means.textContent = word;
    return [name, means];
  };
  const tell = () => {
    const lines = { everywhere: [], here: [] };
    for (const element of keyed()) {
      const word = element.dataset.keyWord ?? element.textContent.trim();
      lines[element.closest("main") ? "here" : "everywhere"].push(...line(element.dataset.key.split(" "), word));
    }
    if (links().length) lines.here.push(...line(["j", "k"], "Next, previous row"), ...line(["Enter"], "Open it"));
    for (const list of dialog.querySelectorAll("[data-keys-of]")) {
      list.replaceChildren(...lines[list.dataset.keysOf]);
      list.parentElement.hidden = !lines[list.dataset.keysOf].length;
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-keys-open]");
    if (event.target === dialog) dialog.close(); // beside it
    if (!button) return;
    tell();
    // A menu closes as soon as the focus leaves it: what gets the focus back has to be seen then.
    const menu = button.closest("details[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    dialog.showModal();
  });
}
