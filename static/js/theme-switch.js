// Light or dark: by the buttons [data-theme-switch], and with the system as long as nobody has chosen.
{
  const root = document.documentElement;
  const show = (theme) => {
    root.dataset.bsTheme = theme;
    document.dispatchEvent(new CustomEvent("theme"));
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const other = root.dataset.bsTheme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", other);
    show(other);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (system) => {
    if (!localStorage.getItem("theme")) show(system.matches ? "dark" : "light");
  });
}
