// Charts from data blocks: <div data-chart="ID"></div><script type="application/json" id="ID">{…}</script>
// (components/chart.html writes both). Two kinds; heat maps are tables (components/heat_map.html).
//
// {"kind": "line",                     numbers over windows, in order
//  "x": ["2025-01-06", …],             one label per window; ISO dates are shown as "6 Jan"
//  "x_label": "Week", "y_label": "PSI", "unit": "share" (percent) or any text,
//  "y_min": 0, "y_max": 1,             optional ends of the axis
//  "series": [{"name": "Log loss",
//              "y": [0.41, null, …],   null: no value, a gap
//              "low": […], "high": […],  optional: ends of the interval, drawn as a band
//              "verdicts": ["ok", …],  optional: marker per point
//              "links": ["/runs/1", …],  optional: where a click leads
//              "n": [1200, …],         optional: sample sizes, said in the tooltip
//              "muted": true,          optional: drawn thin and dashed (a reference)
//              "tone": "breach"}],     optional: in that colour (a threshold that moves)
//  "thresholds": [{"value": 0.2, "label": "breach", "tone": "breach" | "warning" | "info"}],
//  "marks": [{"x": "2025-04-07", "label": "Incident 3"}],       vertical lines
//  "spans": [{"from": "2025-04-07", "to": "2025-04-21", "label": "suspended", "tone": "breach"}]}
//
// {"kind": "bar",                      a distribution, or one number per category
//  "x": ["AA", "DL", …], "x_label": "Carrier", "y_label": "Share of rows", "unit": "share",
//  "series": [{"name": "Reference", "y": […], "muted": true}, {"name": "This window", "y": […]}],
//  "thresholds": […], "horizontal": true}
//
// No HTML tooltips: they carry style attributes, which the Content-Security-Policy forbids.
(() => {
  const charts = new Map(); // element -> { chart, data }
  const SYMBOLS = { ok: "circle", warning: "triangle", breach: "rect", insufficient_data: "emptyCircle" };
  const TONES = { ok: "ok", warning: "warning", breach: "breach", insufficient_data: "unknown", info: "info" };
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  const probe = document.createElement("span");
  probe.className = "visually-hidden";

  // Canvas knows no custom properties and no light-dark(): ask an element what the colour is now.
  function colour(token) {
    probe.style.color = `var(--ob-${token})`;
    return getComputedStyle(probe).color;
  }

  function palette() {
    const names = ["ink", "muted", "line", "surface", "brand-line", "ok-mark", "warning-mark", "breach-mark", "unknown-mark", "info-mark", "candidate"];
    return Object.fromEntries(names.map((name) => [name, colour(name)]));
  }

  const mark = (colours, tone) => colours[`${TONES[tone] || "unknown"}-mark`];

  function day(label) {
    const found = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}:\d{2}))?/.exec(label);
    if (!found) return String(label);
    const time = found[4] && found[4] !== "00:00" ? ` ${found[4]}` : "";
    return `${Number(found[3])} ${MONTHS[Number(found[2]) - 1]}${time}`;
  }

  function shown(value, unit) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (unit === "share") return `${(100 * value).toFixed(1)} %`;
    const size = Math.abs(value);
    const text = size !== 0 && size < 0.0001 ? value.toExponential(1) : value.toLocaleString("en", { maximumSignificantDigits: size >= 1000 ? 6 : 3 });
    return unit ? `${text} ${unit}` : text;
  }

  function lineTip(data, at) {
    const lines = [String(data.x[at])];
    for (const series of data.series) {
      lines.push(`${series.name}: ${shown(series.y[at], data.unit)}`);
      const low = series.low?.[at];
      if (low !== null && low !== undefined) lines.push(`  interval ${shown(low, data.unit)} – ${shown(series.high[at], data.unit)}`);
      if (series.n) lines.push(`  n = ${shown(series.n[at], "")}`);
      if (series.verdicts) lines.push(`  ${String(series.verdicts[at]).replaceAll("_", " ")}`);
    }
    return lines.join("\n");
  }

  function barTip(data, at) {
    const lines = data.series.map((series) => `${series.name}: ${shown(series.y[at], data.unit)}`);
    return [String(data.x[at]), ...lines].join("\n");
  }

  function tooltip(colours, say) {
    return {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: colours.surface,
      borderColor: colours.line,
      textStyle: { color: colours.ink },
      axisPointer: { type: "line", lineStyle: { color: colours.muted, type: "dotted" } },
      formatter: (points) => say(points[0].dataIndex),
    };
  }

  function frame(data, colours, font) {
    const text = { color: colours.muted, fontFamily: font, fontSize: 11.5 };
    const names = data.series.length > 1;
    const category = {
      type: "category",
      data: data.x,
      name: data.horizontal ? "" : data.x_label,
      nameLocation: "middle",
      nameGap: 30,
      nameTextStyle: text,
      inverse: Boolean(data.horizontal),
      boundaryGap: data.kind === "bar",
      axisLine: { lineStyle: { color: colours.line } },
      axisTick: { show: false },
      axisLabel: { ...text, formatter: day, hideOverlap: true },
    };
    const value = {
      type: "value",
      name: data.y_label,
      nameLocation: data.horizontal ? "middle" : "end",
      nameGap: data.horizontal ? 28 : 15,
      nameTextStyle: data.horizontal ? text : { ...text, align: "left", padding: [0, 0, 0, -28] },
      min: data.y_min,
      max: data.y_max,
      scale: data.kind === "line",
      splitNumber: 4,
      splitLine: { lineStyle: { color: colours.line, type: [3, 4] } },
      axisLabel: { ...text, formatter: (number) => shown(number, data.unit === "share" ? "share" : "").replace(".0 %", " %") },
    };
    return {
      animation: false,
      textStyle: { fontFamily: font },
      grid: { left: 8, right: 24, top: names ? 58 : 34, bottom: (data.horizontal ? data.y_label : data.x_label) ? 26 : 6, containLabel: true },
      legend: names ? { top: 0, right: 0, data: data.series.map((series) => series.name), textStyle: text, itemWidth: 16, itemHeight: 8, icon: "roundRect" } : undefined,
      xAxis: data.horizontal ? value : category,
      yAxis: data.horizontal ? category : value,
    };
  }

  function thresholdLines(data, colours) {
    const levels = (data.thresholds || []).map((level) => ({
      [data.horizontal ? "xAxis" : "yAxis"]: level.value,
      name: level.label || "",
      lineStyle: { color: mark(colours, level.tone), type: [5, 4], width: 1.5 },
      label: { formatter: level.label || "", position: data.horizontal ? "start" : "insideStartTop", color: mark(colours, level.tone), fontSize: 11, fontWeight: 600 },
    }));
    const events = (data.marks || []).map((event) => ({
      xAxis: event.x,
      lineStyle: { color: colours.muted, type: "solid", width: 1 },
      label: { formatter: event.label || "", position: "end", color: colours.muted, fontSize: 11 },
    }));
    return { silent: true, symbol: "none", animation: false, data: [...levels, ...events] };
  }

  function shadedSpans(data, colours) {
    return {
      silent: true,
      data: (data.spans || []).map((span) => [
        { xAxis: span.from, name: span.label || "", itemStyle: { color: mark(colours, span.tone), opacity: 0.09 }, label: { color: mark(colours, span.tone), fontSize: 11, position: "insideTop" } },
        { xAxis: span.to },
      ]),
    };
  }

  // An interval band is two stacked lines: an unseen lower end, and the width above it, filled.
  function band(series, shade, at) {
    if (!series.low) return [];
    const unseen = { type: "line", silent: true, symbol: "none", stack: `band${at}`, stackStrategy: "all", lineStyle: { opacity: 0 }, tooltip: { show: false } };
    const width = series.high.map((high, point) => (high === null || series.low[point] === null ? null : high - series.low[point]));
    return [
      { ...unseen, data: series.low },
      { ...unseen, data: width, areaStyle: { color: shade, opacity: 0.16 } },
    ];
  }

  function point(series, value, at, colours) {
    const verdict = series.verdicts?.[at];
    if (!verdict) return value;
    const quiet = verdict === "ok";
    return { value, symbol: SYMBOLS[verdict] || "circle", symbolSize: quiet ? 6 : 9, itemStyle: { color: mark(colours, verdict), borderColor: verdict === "insufficient_data" ? mark(colours, verdict) : colours.surface, borderWidth: 1 } };
  }

  function lineOption(data, colours, font) {
    const shades = [colours["brand-line"], colours.candidate, colours["info-mark"], colours["warning-mark"]];
    let used = 0;
    const drawn = data.series.flatMap((series, at) => {
      const shade = series.tone ? mark(colours, series.tone) : series.muted ? colours.muted : shades[used++ % shades.length];
      const line = {
        type: "line",
        name: series.name,
        data: series.y.map((value, place) => point(series, value, place, colours)),
        showSymbol: Boolean(series.verdicts) || series.y.length < 2,
        showAllSymbol: true, // a verdict is never left out because its neighbours are close
        symbolSize: 6,
        itemStyle: { color: shade },
        lineStyle: { color: shade, width: series.muted ? 1.5 : 2, type: series.muted ? [4, 3] : "solid" },
        z: 3,
      };
      if (at === 0) Object.assign(line, { markLine: thresholdLines(data, colours), markArea: shadedSpans(data, colours) });
      return [...band(series, shade, at), line];
    });
    return { ...frame(data, colours, font), tooltip: tooltip(colours, (at) => lineTip(data, at)), series: drawn };
  }

  function barOption(data, colours, font) {
    const shades = [colours["brand-line"], colours.candidate, colours["info-mark"]];
    let used = 0;
    const drawn = data.series.map((series, at) => ({
      type: "bar",
      name: series.name,
      data: series.y,
      barMaxWidth: 28,
      barGap: "8%",
      itemStyle: { color: series.muted ? colours["unknown-mark"] : shades[used++ % shades.length], opacity: series.muted ? 0.55 : 1, borderRadius: data.horizontal ? [0, 3, 3, 0] : [3, 3, 0, 0] },
      markLine: at === 0 ? thresholdLines(data, colours) : undefined,
    }));
    return { ...frame(data, colours, font), tooltip: tooltip(colours, (at) => barTip(data, at)), series: drawn };
  }

  // Round ends for the axis, with every threshold on the picture even when all values are far from it.
  function reach(option, data) {
    const levels = (data.thresholds || []).map((level) => level.value);
    const drawn = data.series.flatMap((series) => [...series.y, ...(series.low || []), ...(series.high || [])]);
    const values = [...drawn, ...levels].filter((value) => Number.isFinite(value));
    if (!values.length) return option;
    const low = data.y_min ?? Math.min(...values, data.kind === "bar" ? 0 : Infinity);
    const high = data.y_max ?? Math.max(...values);
    const step = niceStep((high - low || Math.abs(high) || 1) / 4);
    const axis = data.horizontal ? option.xAxis : option.yAxis;
    const round = (value) => Number(value.toPrecision(12));
    axis.min = data.y_min ?? round(Math.floor(low / step) * step);
    axis.max = data.y_max ?? round(Math.ceil(high / step) * step);
    axis.interval = step;
    return option;
  }

  function niceStep(rough) {
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= rough * 0.999);
    return Number((step * power).toPrecision(12));
  }

  function draw({ chart, data }) {
    const font = getComputedStyle(document.body).fontFamily;
    const option = (data.kind === "bar" ? barOption : lineOption)(data, palette(), font);
    chart.setOption(reach(option, data), true);
  }

  function follow(data, event) {
    const series = data.series.find((one) => one.name === event.seriesName);
    const link = series?.links?.[event.dataIndex];
    if (link) window.location.assign(link);
  }

  function start(element) {
    const block = document.getElementById(element.dataset.chart);
    if (!block || charts.has(element)) return;
    const data = JSON.parse(block.textContent);
    const held = { chart: echarts.init(element, null, { renderer: "canvas" }), data };
    charts.set(element, held);
    held.chart.on("click", (event) => follow(data, event));
    new ResizeObserver(() => held.chart.resize()).observe(element);
    draw(held);
  }

  function startAll() {
    for (const [element, held] of charts) {
      if (!element.isConnected) {
        held.chart.dispose();
        charts.delete(element);
      }
    }
    document.querySelectorAll("[data-chart]").forEach(start);
  }

  document.body.append(probe);
  startAll();
  document.addEventListener("htmx:afterSettle", startAll);
  document.addEventListener("ombud:theme", () => charts.forEach(draw));
  document.fonts?.ready.then(() => charts.forEach(draw));
})();
