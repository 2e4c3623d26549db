// Tells the server the zone of the viewer, so that times are written in it.
{
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const said = `timezone=${zone}`;
  if (zone && !document.cookie.split("; ").includes(said)) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${said}; path=/; max-age=31536000; samesite=lax${secure}`;
    // The page at hand is in another zone. Once is enough: next time the cookie is there.
    if (document.cookie.split("; ").includes(said) && document.querySelector("time")) location.reload();
  }
}
