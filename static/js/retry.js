// A page that could not be shown tries again by itself while somebody looks.
{
  const EVERY = 10000;
  const again = () => setTimeout(look, EVERY * (0.85 + Math.random() * 0.3));
  const look = async () => {
    if (document.hidden) return again();
    try {
      const answer = await fetch(location.href, { method: "HEAD" });
      if (answer.ok) return location.reload();
    } catch {
      // Not even that: later.
    }
    again();
  };
  again();
}
