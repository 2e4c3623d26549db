// Shows how far a download has come that a form[data-export] has begun: the download itself is the browser's own.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-export]")) return;
  const id = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  form.elements.id.value = id;
  form.closest("details.menu")?.removeAttribute("open");
  let box = document.getElementById("export-box");
  if (!box) {
    box = document.createElement("section");
    box.id = "export-box";
    box.className = "card export-box";
    box.setAttribute("aria-label", "Export");
    const close = document.createElement("button");
    close.className = "btn btn-icon-only";
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", "Close; the download goes on");
    close.addEventListener("click", () => box.remove());
    box.append(document.createElement("div"), close);
    document.body.append(box);
  }
  htmx.ajax("GET", `/exports/${id}?tries=10`, { target: box.firstElementChild, swap: "innerHTML" });
});

// Where the server refuses a form that is sent beside the page, such as after a new sign-in in another tab, or does not
// answer: sent the plain way, it gets a page that says what is so.
for (const failed of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failed, (event) => {
    if (event.target.matches("form.views-form")) event.target.submit();
  });
}
