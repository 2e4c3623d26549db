// Says once, to those who do not see it, which workload's state has changed since the last refresh.
{
  const MOST = 5;
  const place = document.getElementById("announced");
  const read = () => JSON.parse(document.getElementById("states-now")?.textContent || "{}");
  let known = read();

  document.addEventListener("htmx:afterSwap", () => {
    const now = read();
    const changed = Object.keys(now).filter((slug) => Object.hasOwn(known, slug) && known[slug] !== now[slug]);
    known = now;
    if (!changed.length) return;
    const said = changed.slice(0, MOST).map((slug) => `${slug}: ${now[slug]}.`);
    if (changed.length > MOST) said.push(`${changed.length - MOST} more have changed.`);
    place.textContent = said.join(" ");
  });
}
