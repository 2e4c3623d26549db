// Charts answer to hand and keys: dragging zooms in time, a click opens the events of a bucket; of fingers it is the
// second tap on a bucket, for the first shows its figures. By keyboard on the chart: arrows go through the buckets,
// Enter opens the events, + and - zoom, Escape lets go.
{
  const LEAST = 8; // pixels: less than this is a click
  const places = new WeakMap(); // the bucket that the keys are at
  let drag = null;
  let tapped = { chart: null, index: -1 };

  const box = (chart) => chart.canvas.closest("[data-chart]");
  const last = (spec) => spec.starts.length - 1;
  const bucket = (chart, x) => {
    const { spec, scales } = chart;
    const at = Math.floor((scales.x.getValueForPixel(x) - spec.starts[0]) / spec.width);
    return Math.max(0, Math.min(last(spec), at));
  };
  const minute = (at) => `${new Date(at).toISOString().slice(0, 16)}Z`;
  const span = (address, from, to) => {
    address.searchParams.set("range", "custom");
    address.searchParams.set("from", minute(from));
    address.searchParams.set("to", minute(to));
    return address;
  };

  function zoom(chart, from, to) {
    const address = span(new URL(location.href), from, Math.min(to, Math.ceil(Date.now() / 60000) * 60000));
    address.searchParams.delete("format");
    address.hash = "";
    location.assign(address);
  }

  function events(chart, index, outcome) {
    const { spec } = chart;
    if (!box(chart).dataset.events) return;
    const address = new URL(box(chart).dataset.events, location.href);
    span(address, spec.starts[index], spec.starts[index] + spec.width);
    if (outcome) address.searchParams.set("outcome", outcome);
    location.assign(address);
  }

  // The part of the axis that is being chosen, over the chart.
  Chart.register({
    id: "selection",
    afterDraw(chart) {
      if (drag?.chart !== chart) return;
      const { top, height } = chart.chartArea;
      const left = Math.min(drag.start, drag.end);
      const pen = chart.ctx;
      pen.save();
      pen.fillStyle = ink.pale("accent", 16);
      pen.strokeStyle = ink.token("accent");
      pen.fillRect(left, top, Math.abs(drag.end - drag.start), height);
      pen.strokeRect(left, top, Math.abs(drag.end - drag.start), height);
      pen.restore();
    },
  });

  const chartAt = (event) =>
    event.target instanceof HTMLCanvasElement && event.target.closest("[data-chart]")
      ? Chart.getChart(event.target)
      : undefined;
  const within = (chart, x) => Math.max(chart.chartArea.left, Math.min(chart.chartArea.right, x));

  document.addEventListener("pointerdown", (event) => {
    const chart = event.button === 0 ? chartAt(event) : undefined;
    if (!chart) return;
    const start = within(chart, event.offsetX);
    drag = { chart, start, end: start };
    event.target.setPointerCapture(event.pointerId);
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag || event.target !== drag.chart.canvas) return;
    drag.end = within(drag.chart, event.offsetX);
    drag.chart.draw();
  });
  const drop = () => {
    const dropped = drag;
    drag = null;
    dropped?.chart.draw();
    return dropped;
  };
  document.addEventListener("pointerup", (event) => {
    const done = drop();
    if (!done) return;
    const { chart, start, end } = done;
    if (Math.abs(end - start) >= LEAST) {
      const [first, until] = [Math.min(start, end), Math.max(start, end)].map((x) => chart.spec.starts[bucket(chart, x)]);
      zoom(chart, first, until + chart.spec.width);
      return;
    }
    const index = bucket(chart, end);
    const again = tapped.chart === chart && tapped.index === index;
    tapped = { chart, index };
    if (event.pointerType === "touch" && !again) return;
    const [hit] = chart.getElementsAtEventForMode(event, "nearest", { intersect: true }, false);
    events(chart, index, hit && chart.data.datasets[hit.datasetIndex].outcome);
  });
  document.addEventListener("pointercancel", drop);

  function show(chart, index) {
    const found = chart.data.datasets
      .map((set, datasetIndex) => ({ datasetIndex, index, value: set.data[index]?.y ?? null }))
      .filter((each) => each.value !== null);
    chart.setActiveElements(found);
    chart.tooltip.setActiveElements(found, { x: chart.scales.x.getPixelForValue(chart.spec.starts[index]), y: 0 });
    chart.update("none");
  }

  function zoomBy(chart, index, share) {
    const { spec } = chart;
    const middle = spec.starts[index] + spec.width / 2;
    const half = Math.max(((spec.to - spec.from) * share) / 2, spec.width);
    zoom(chart, middle - half, middle + half);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && drag) drop();
    const target = event.target instanceof Element && event.target.matches("[data-chart]") ? event.target : null;
    const chart = target && Chart.getChart(target.querySelector("canvas"));
    if (!chart || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = Math.min(places.get(chart) ?? last(chart.spec), last(chart.spec));
    const go = (index) => {
      places.set(chart, Math.max(0, Math.min(last(chart.spec), index)));
      show(chart, places.get(chart));
    };
    const keys = {
      ArrowLeft: () => go(at - (places.has(chart) ? 1 : 0)),
      ArrowRight: () => go(at + 1),
      Home: () => go(0),
      End: () => go(last(chart.spec)),
      Enter: () => places.has(chart) && events(chart, at),
      "+": () => zoomBy(chart, places.has(chart) ? at : last(chart.spec) >> 1, 0.5),
      "-": () => zoomBy(chart, last(chart.spec) >> 1, 2),
      Escape: () => {
        places.delete(chart);
        chart.setActiveElements([]);
        chart.tooltip.setActiveElements([], { x: 0, y: 0 });
        chart.update("none");
      },
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
}
