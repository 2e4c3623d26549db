// Draws every [data-chart=ID] from the JSON of the same id. The server sends figures, ticks and words;
// colours come from the tokens. Drawn again only if the figures, the theme or the width have changed.
// `chart.spec` is what was drawn, for chart_touch.js.
const charts = (() => {
  // A figure belongs to a whole bucket: it stands in the middle of it.
  const points = (spec, series) =>
    series.values.map((value, index) => ({ x: spec.starts[index] + spec.width / 2, y: value }));

  const bars = (spec, series) => ({
    label: series.label,
    outcome: series.outcome,
    data: points(spec, series),
    backgroundColor: series.hatch ? ink.hatch(series.colour) : ink.token(series.colour),
    borderColor: ink.token(series.colour),
    borderWidth: series.hatch ? 1 : 0,
    stack: "all",
    barPercentage: 1,
    categoryPercentage: 0.82,
  });

  const line = (spec, series) => ({
    label: series.label,
    outcome: series.outcome,
    data: points(spec, series),
    borderColor: ink.token(series.colour),
    borderWidth: series.thin ? 1.5 : 2,
    borderDash: series.dash || [],
    // A figure between two gaps is a point, or it would not be seen.
    pointRadius: series.values.map((value, index) =>
      value !== null && (series.values[index - 1] ?? null) === null && (series.values[index + 1] ?? null) === null ? 2 : 0,
    ),
    pointBackgroundColor: ink.token(series.colour),
    pointHoverRadius: 4,
    pointHitRadius: 12,
    tension: 0,
    spanGaps: false,
    fill: series.fill ? "origin" : false,
    backgroundColor: ink.pale(series.colour, 12),
  });

  const axes = (spec) => ({
    x: {
      type: "linear",
      min: spec.from,
      max: spec.to,
      offset: false,
      stacked: spec.kind === "bars",
      grid: { display: false },
      border: { color: ink.token("line") },
      afterBuildTicks: (axis) => {
        axis.ticks = spec.ticks
          .filter((_, index) => !ink.narrow.matches || index % 3 === 0)
          .map((tick) => ({ value: tick.at, label: tick.label }));
      },
      ticks: {
        callback: (at) => spec.ticks.find((tick) => tick.at === at)?.label,
        color: ink.token("text-3"),
        font: ink.font(400),
        maxRotation: 0,
        autoSkip: false,
      },
    },
    y: {
      beginAtZero: true,
      stacked: spec.kind === "bars",
      // The threshold is always to be seen.
      suggestedMax: spec.unit === "percent" ? Math.max(1, (spec.limit?.value ?? 0) * 1.25) : 5,
      border: { display: false },
      grid: { color: ink.token("line"), drawTicks: false },
      ticks: {
        callback: ink.write[spec.unit],
        color: ink.token("text-3"),
        font: ink.font(400),
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
      backgroundColor: ink.token("text"),
      titleColor: ink.token("surface"),
      bodyColor: ink.token("surface"),
      padding: 10,
      cornerRadius: 6,
      titleFont: ink.font(600),
      bodyFont: ink.font(400),
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
          ` ${hit.dataset.label}: ${hit.parsed.y === null ? "not known" : ink.write[spec.unit](hit.parsed.y)}`,
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
    plugins: {
      legend: { display: false },
      tooltip: tooltip(spec),
      annotation: { annotations: chartMarks(spec), clip: false },
    },
  });

  const config = (spec) => {
    const form = spec.kind === "bars" ? bars : line;
    return {
      type: spec.kind === "bars" ? "bar" : "line",
      data: { datasets: spec.series.map((series) => form(spec, series)) },
      options: options(spec),
    };
  };

  const drawn = new WeakMap();

  function draw(box, again) {
    const text = document.getElementById(box.dataset.chart).textContent;
    const canvas = box.querySelector("canvas");
    const last = drawn.get(canvas);
    if (last?.text === text && !again) return;
    const spec = JSON.parse(text);
    const made = config(spec);
    if (last && last.kind === spec.kind) {
      last.chart.data = made.data;
      last.chart.spec = spec;
      last.chart.options = made.options;
      last.chart.update("none");
      drawn.set(canvas, { ...last, text });
      return;
    }
    last?.chart.destroy();
    const chart = new Chart(canvas, made);
    chart.spec = spec;
    drawn.set(canvas, { chart, text, kind: spec.kind });
  }

  const drawAll = (again) => document.querySelectorAll("[data-chart]").forEach((box) => draw(box, again));
  document.fonts.ready.then(() => drawAll(true));
  document.addEventListener("htmx:afterSwap", () => drawAll(false));
  document.addEventListener("theme", () => drawAll(true));
  ink.narrow.addEventListener("change", () => drawAll(true));

  // Paper is light.
  const root = document.documentElement;
  let theme = "";
  const show = (name) => {
    root.dataset.bsTheme = name;
    drawAll(true);
  };
  addEventListener("beforeprint", () => {
    theme = root.dataset.bsTheme;
    if (theme === "dark") show("light");
  });
  addEventListener("afterprint", () => {
    if (theme === "dark") show(theme);
  });
  return { config };
})();
