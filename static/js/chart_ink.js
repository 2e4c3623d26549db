// What charts are drawn with: the tokens' colours, the page's font, and how figures are written.
const ink = (() => {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  const colour = (css) => {
    probe.style.color = css;
    return getComputedStyle(probe).color;
  };
  const token = (name) => colour(`var(--ob-${name})`);
  const pale = (name, share) => colour(`color-mix(in srgb, var(--ob-${name}) ${share}%, transparent)`);
  const font = (weight, size = 12) => ({ family: getComputedStyle(document.body).fontFamily, size, weight });
  const narrow = matchMedia("(max-width: 767.98px)");

  const whole = new Intl.NumberFormat("en-US");
  const write = {
    percent: (value) => `${Number(value.toFixed(2))}\u202f%`,
    count: (value) => whole.format(value),
  };

  // Blocked differs from failed by pattern, too.
  function hatch(name) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const pen = tile.getContext("2d");
    pen.fillStyle = pale(name, 30);
    pen.fillRect(0, 0, 6, 6);
    pen.strokeStyle = token(name);
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(-1, 7);
    pen.lineTo(7, -1);
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  }

  return { token, pale, font, narrow, write, hatch };
})();
