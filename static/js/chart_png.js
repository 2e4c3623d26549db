// [data-png=ID] saves a chart as a picture that stands alone: with its title, window and legend, on a solid ground.
{
  const WIDTH = 1200;
  const HEIGHT = 420;
  const MARGIN = 24;
  const RATIO = 2;
  const HEAD = 92;

  function write(pen, text, x, y, weight, size, colour) {
    pen.font = `${weight} ${size}px ${ink.font(weight).family}`;
    pen.fillStyle = ink.token(colour);
    pen.fillText(text, x, y);
    return pen.measureText(text).width;
  }

  function swatch(pen, series, kind, x, y) {
    pen.save();
    pen.strokeStyle = ink.token(series.colour);
    pen.fillStyle = series.hatch ? ink.hatch(series.colour) : ink.token(series.colour);
    if (kind === "bars") {
      pen.fillRect(x, y - 9, 18, 10);
      if (series.hatch) pen.strokeRect(x, y - 9, 18, 10);
    } else {
      pen.lineWidth = series.thin ? 1.5 : 2;
      pen.setLineDash(series.dash || []);
      pen.beginPath();
      pen.moveTo(x, y - 4);
      pen.lineTo(x + 18, y - 4);
      pen.stroke();
    }
    pen.restore();
  }

  // Drawn anew at its own size: what is on a narrow screen would be hard to read in a report.
  function figure(spec) {
    const canvas = document.createElement("canvas");
    canvas.width = WIDTH - 2 * MARGIN;
    canvas.height = HEIGHT;
    const { type, data, options } = charts.config(spec);
    const chart = new Chart(canvas, { type, data, options: { ...options, responsive: false, devicePixelRatio: RATIO } });
    return { canvas, done: () => chart.destroy() };
  }

  function picture(spec, title, about) {
    const canvas = document.createElement("canvas");
    canvas.width = WIDTH * RATIO;
    canvas.height = (HEAD + HEIGHT + MARGIN) * RATIO;
    const pen = canvas.getContext("2d");
    pen.scale(RATIO, RATIO);
    pen.fillStyle = ink.token("surface");
    pen.fillRect(0, 0, canvas.width, canvas.height);
    write(pen, title, MARGIN, 34, 650, 18, "text");
    write(pen, [about, spec.said].filter(Boolean).join(" · "), MARGIN, 56, 400, 13, "text-2");
    let x = MARGIN;
    for (const series of spec.series) {
      swatch(pen, series, spec.kind, x, 80);
      x += 24 + write(pen, series.label, x + 24, 80, 400, 12, "text-2") + 20;
    }
    const drawn = figure(spec);
    pen.drawImage(drawn.canvas, MARGIN, HEAD, WIDTH - 2 * MARGIN, HEIGHT);
    drawn.done();
    return canvas;
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-png]");
    if (!button) return;
    const spec = JSON.parse(document.getElementById(button.dataset.png).textContent);
    picture(spec, button.dataset.title, button.dataset.about).toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      const from = new Date(spec.from).toISOString().slice(0, 16).replaceAll(":", "");
      link.download = `${button.dataset.title.replace(/[^A-Za-z0-9._-]+/g, "-").toLowerCase()}-${from}Z.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    }, "image/png");
  });
}
