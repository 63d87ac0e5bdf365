// <div class="c240" data-chart="sales" role="img" aria-label="…"></div>{{ chart|json_script:"sales" }}
// chart = {"categories": ["11-08", …], "unit": "fen" | "count", "symbol": "¥" (default),
//          "series": [{"name": …, "data": [numbers or null], "kind": "line" | "bar", "dashed": true?}],
//          "marks": [{"at": one of the categories, "name": …}] (optional: upright lines)}
// Load vendor/echarts.common.min.js before this module. Tooltips are drawn on the canvas: html ones break the CSP.
const charts = [];
const MOST_DOTS = 60; // more would hide the line

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function amount(value, unit, symbol = "¥") {
  if (value === null || value === undefined) return "—";
  const sign = value < 0 ? "\u2212" : "";
  if (unit !== "fen") return sign + Math.abs(value).toLocaleString("en-US");
  const fen = Math.abs(value);
  const yuan = Math.floor(fen / 100).toLocaleString("en-US");
  return `${sign}${symbol}${yuan}.${String(fen % 100).padStart(2, "0")}`;
}

function axisLabel(value, unit) {
  return unit === "fen" ? (value / 100).toLocaleString("en-US") : value.toLocaleString("en-US");
}

function marks(chart, ink, size) {
  return {
    silent: true,
    symbol: "none",
    lineStyle: { color: css("--warn"), type: "dashed", width: 1 },
    label: { color: ink, fontSize: size, formatter: "{b}" },
    data: (chart.marks ?? []).map((mark) => ({ name: mark.name, xAxis: mark.at })),
  };
}

function options(chart, box) {
  // 12 px, or this part of the box's own size where it grows with the screen.
  const share = Number(box.dataset.chartText);
  const size = share ? Math.max(12, Math.round(parseFloat(getComputedStyle(box).fontSize) * share)) : 12;
  const ink = css("--tblr-secondary");
  const line = css("--grid");
  const colours = [css("--tblr-primary"), css("--accent"), css("--ok"), css("--warn"), css("--idle")];
  return {
    animation: false,
    color: colours,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: size },
    grid: { left: 8, right: 12, top: chart.series.length > 1 ? 36 : 16, bottom: 4, containLabel: true },
    legend: { show: chart.series.length > 1, top: 0, left: 0, textStyle: { color: ink, fontSize: size } },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      valueFormatter: (value) => amount(value, chart.unit, chart.symbol),
    },
    xAxis: {
      type: "category",
      data: chart.categories,
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
      axisLabel: { color: ink, fontSize: size, hideOverlap: true },
    },
    yAxis: {
      type: "value",
      minInterval: chart.unit === "fen" ? 100 : 1,
      splitLine: { lineStyle: { color: line } },
      axisLabel: { color: ink, fontSize: size, formatter: (value) => axisLabel(value, chart.unit) },
    },
    series: chart.series.map((series, place) => ({
      name: series.name,
      type: series.kind ?? "line",
      data: series.data,
      symbolSize: series.dashed || series.data.length > MOST_DOTS ? 0 : 6,
      lineStyle: { width: series.dashed ? 1.5 : 2, type: series.dashed ? "dashed" : "solid" },
      barMaxWidth: 28,
      markLine: place === 0 ? marks(chart, ink, size) : undefined,
    })),
  };
}

function draw(root) {
  for (const box of root.querySelectorAll?.("[data-chart]") ?? []) {
    const source = document.getElementById(box.dataset.chart);
    if (!source || box.dataset.drawn) continue;
    box.dataset.drawn = "1";
    const data = JSON.parse(source.textContent);
    const chart = window.echarts.init(box);
    chart.setOption(options(data, box));
    charts.push({ chart, data, box });
  }
}

window.addEventListener("resize", () => charts.forEach(({ chart }) => chart.resize()));
document.addEventListener("theme:changed", () =>
  charts.forEach(({ chart, data, box }) => chart.setOption(options(data, box), true)),
);
document.addEventListener("htmx:load", (event) => draw(event.target));
// New numbers for a chart that is drawn: dispatched on its box, with the data as `detail`.
document.addEventListener("chart:changed", (event) => {
  const found = charts.find(({ box }) => box === event.target);
  if (!found) return;
  found.data = event.detail;
  found.chart.setOption(options(found.data, found.box), true);
});
draw(document);
