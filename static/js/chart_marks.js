// What is drawn beside the lines of a chart: episodes as bands, changes as dotted lines with a chip, the threshold.
const chartMarks = (() => {
  const ROW = { wide: 26, narrow: 22 };
  const words = (note) => (ink.narrow.matches ? note.short : note.label);

  // Chips that would lie over each other step down a row.
  function rows(chart, notes) {
    const { left, width } = chart.chartArea;
    const { min, max } = chart.scales.x;
    const pen = chart.ctx;
    pen.save();
    pen.font = `500 11px ${ink.font(500).family}`;
    const ends = [];
    const found = notes.map((note) => {
      const middle = left + ((note.at - min) / (max - min)) * width;
      const half = pen.measureText(words(note)).width / 2 + 9;
      let row = ends.findIndex((end) => end <= middle - half);
      if (row < 0) row = ends.length;
      ends[row] = middle + half;
      return row;
    });
    pen.restore();
    return found;
  }

  // A chip at the edge stays within the chart.
  function inside(chart, note) {
    const { left, right, width } = chart.chartArea;
    const { min, max } = chart.scales.x;
    const middle = left + ((note.at - min) / (max - min)) * width;
    const half = words(note).length * 3.4 + 8;
    return Math.max(left + half - middle, 0) - Math.max(middle + half - right, 0);
  }

  const band = (episode, spec) => ({
    type: "box",
    drawTime: "beforeDatasetsDraw",
    xMin: Math.max(episode.from, spec.from),
    xMax: Math.min(episode.to, spec.to),
    backgroundColor: ink.pale(episode.colour, 11),
    borderWidth: 0,
    label: {
      // Words wider than the band would say nothing of which band they are; at the edge there is no other.
      display: (context) => {
        if (ink.narrow.matches || !context.chart.chartArea) return false;
        if (episode.to >= spec.to - spec.width) return true;
        const share = (episode.to - episode.from) / (spec.to - spec.from);
        return share * context.chart.chartArea.width > episode.label.length * 6.5 - 24;
      },
      content: episode.label,
      // Over the lines, which may be as high as the chart.
      drawTime: "afterDatasetsDraw",
      backgroundColor: ink.pale("surface", 75),
      borderRadius: 4,
      position: { x: episode.to >= spec.to - spec.width ? "end" : "center", y: "start" },
      color: ink.token(episode.colour),
      font: ink.font(600),
      padding: { x: 4, y: 2 },
      yAdjust: 4,
    },
  });

  const change = (note, index, spec) => ({
    type: "line",
    drawTime: "afterDatasetsDraw",
    xMin: note.at,
    xMax: note.at,
    borderColor: ink.token("text-2"),
    borderWidth: 1,
    borderDash: [3, 3],
    label: {
      display: true,
      content: words(note),
      position: "end",
      yAdjust: ({ chart }) =>
        chart.chartArea ? rows(chart, spec.notes)[index] * (ink.narrow.matches ? ROW.narrow : ROW.wide) : 0,
      xAdjust: ({ chart }) => (chart.chartArea ? inside(chart, note) : 0),
      backgroundColor: ink.token("sunken"),
      color: ink.token("text"),
      borderColor: ink.token("line"),
      borderWidth: 1,
      borderRadius: 4,
      font: ink.font(500, 11),
      padding: { x: 6, y: 3 },
    },
  });

  const threshold = (limit) => ({
    type: "line",
    yMin: limit.value,
    yMax: limit.value,
    borderColor: ink.token("text-2"),
    borderWidth: 1,
    label: {
      display: true,
      content: limit.label,
      position: "start",
      yAdjust: -10,
      backgroundColor: "transparent",
      color: ink.token("text-2"),
      font: ink.font(600, 11),
      padding: 2,
    },
  });

  return (spec) => {
    const found = {};
    (spec.episodes || []).forEach((episode, index) => { found[`episode${index}`] = band(episode, spec); });
    (spec.notes || []).forEach((note, index) => { found[`note${index}`] = change(note, index, spec); });
    if (spec.limit) found.limit = threshold(spec.limit);
    return found;
  };
})();
