// Draws every [data-chart=ID] from the JSON of the same id. The server sends figures, ticks and words;
// colours come from the tokens. Drawn again only if the figures, the theme or the width have changed.
{
  const NARROW = matchMedia("(max-width: 767.98px)");
  const whole = new Intl.NumberFormat("en-US");
  const write = {
    percent: (value) => `${Number(value.toFixed(2))}\u202f%`,
    count: (value) => whole.format(value),
  };
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  const colour = (css) => {
    probe.style.color = css;
    return getComputedStyle(probe).color;
  };
  const token = (name) => colour(`var(--ob-${name})`);
  const pale = (name, share) => colour(`color-mix(in srgb, var(--ob-${name}) ${share}%, transparent)`);
  const font = (weight) => ({ family: getComputedStyle(document.body).fontFamily, size: 12, weight });

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

  // A figure belongs to a whole bucket: it stands in the middle of it.
  const points = (spec, series) =>
    series.values.map((value, index) => ({ x: spec.starts[index] + spec.width / 2, y: value }));

  const bars = (spec, series) => ({
    label: series.label,
    data: points(spec, series),
    backgroundColor: series.hatch ? hatch(series.colour) : token(series.colour),
    borderColor: token(series.colour),
    borderWidth: series.hatch ? 1 : 0,
    stack: "all",
    barPercentage: 1,
    categoryPercentage: 0.82,
  });

  const line = (spec, series) => ({
    label: series.label,
    data: points(spec, series),
    borderColor: token(series.colour),
    borderWidth: series.thin ? 1.5 : 2,
    borderDash: series.dash || [],
    // A figure between two gaps is a point, or it would not be seen.
    pointRadius: series.values.map((value, index) =>
      value !== null && (series.values[index - 1] ?? null) === null && (series.values[index + 1] ?? null) === null ? 2 : 0,
    ),
    pointBackgroundColor: token(series.colour),
    pointHoverRadius: 4,
    pointHitRadius: 12,
    tension: 0,
    spanGaps: false,
    fill: series.fill ? "origin" : false,
    backgroundColor: pale(series.colour, 12),
  });

  const axes = (spec) => ({
    x: {
      type: "linear",
      min: spec.from,
      max: spec.to,
      offset: false,
      stacked: spec.kind === "bars",
      grid: { display: false },
      border: { color: token("line") },
      afterBuildTicks: (axis) => {
        axis.ticks = spec.ticks
          .filter((_, index) => !NARROW.matches || index % 3 === 0)
          .map((tick) => ({ value: tick.at, label: tick.label }));
      },
      ticks: {
        callback: (at) => spec.ticks.find((tick) => tick.at === at)?.label,
        color: token("text-3"),
        font: font(400),
        maxRotation: 0,
        autoSkip: false,
      },
    },
    y: {
      beginAtZero: true,
      stacked: spec.kind === "bars",
      suggestedMax: spec.unit === "percent" ? 1 : 5,
      border: { display: false },
      grid: { color: token("line"), drawTicks: false },
      ticks: {
        callback: write[spec.unit],
        color: token("text-3"),
        font: font(400),
        padding: 8,
        maxTicksLimit: 6,
        precision: spec.unit === "count" ? 0 : undefined,
      },
    },
  });

  function tooltip(spec) {
    const time = new Intl.DateTimeFormat("en-GB", {
      weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: spec.zone,
    });
    const end = new Intl.DateTimeFormat("en-GB", {
      hour: "2-digit", minute: "2-digit", timeZone: spec.zone, timeZoneName: "short",
    });
    return {
      backgroundColor: token("text"),
      titleColor: token("surface"),
      bodyColor: token("surface"),
      padding: 10,
      cornerRadius: 6,
      titleFont: font(600),
      bodyFont: font(400),
      usePointStyle: true,
      boxWidth: 7,
      boxHeight: 7,
      boxPadding: 4,
      callbacks: {
        title: ([hit]) => {
          const start = spec.starts[hit.dataIndex];
          return `${time.format(start)} to ${end.format(start + spec.width)}`;
        },
        label: (hit) =>
          ` ${hit.dataset.label}: ${hit.parsed.y === null ? "not known" : write[spec.unit](hit.parsed.y)}`,
      },
    };
  }

  const options = (spec) => ({
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    parsing: false,
    normalized: true,
    interaction: { mode: "index", intersect: false },
    layout: { padding: { top: 4, right: 4 } },
    scales: axes(spec),
    plugins: { legend: { display: false }, tooltip: tooltip(spec) },
  });

  const drawn = new WeakMap();

  function draw(box, again) {
    const text = document.getElementById(box.dataset.chart).textContent;
    const canvas = box.querySelector("canvas");
    const last = drawn.get(canvas);
    if (last?.text === text && !again) return;
    const spec = JSON.parse(text);
    const data = { datasets: spec.series.map((series) => (spec.kind === "bars" ? bars : line)(spec, series)) };
    if (last && last.kind === spec.kind) {
      last.chart.data = data;
      last.chart.options = options(spec);
      last.chart.update("none");
      drawn.set(canvas, { ...last, text });
      return;
    }
    last?.chart.destroy();
    const chart = new Chart(canvas, { type: spec.kind === "bars" ? "bar" : "line", data, options: options(spec) });
    drawn.set(canvas, { chart, text, kind: spec.kind });
  }

  const drawAll = (again) => document.querySelectorAll("[data-chart]").forEach((box) => draw(box, again));
  document.fonts.ready.then(() => drawAll(true));
  document.addEventListener("htmx:afterSwap", () => drawAll(false));
  document.addEventListener("theme", () => drawAll(true));
  NARROW.addEventListener("change", () => drawAll(true));
}
