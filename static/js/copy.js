// A button [data-copy="id"] copies the text of the element with that id, and says for a moment that it did.
{
  const MOMENT = 2000;

  const copy = async (source) => {
    const text = source.value ?? source.textContent;
    // Without TLS browsers have no clipboard but for this machine's own addresses: then what is selected is copied,
    // and what nobody sees cannot be selected.
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const pressed = document.activeElement;
    const area = Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    pressed.focus();
    if (done) return;
    source.closest("details")?.setAttribute("open", "");
    getSelection().selectAllChildren(source);
    source.select?.();
    throw new Error("no clipboard");
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button || button.dataset.copied) return;
    const word = button.querySelector("span") ?? button;
    const before = word.textContent;
    try {
      await copy(document.getElementById(button.dataset.copy));
      word.textContent = "Copied";
    } catch {
      word.textContent = "Press Ctrl+C";
    }
    button.dataset.copied = "yes";
    setTimeout(() => {
      word.textContent = before;
      delete button.dataset.copied;
    }, MOMENT);
  });
}
