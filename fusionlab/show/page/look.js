  // Figures follow the page into the dark; the colours of data stay.
  const INK = { "#1F2933": "#E3E7EB", "#000000": "#FFFFFF", "#5B6670": "#A8B2BD" };
  const LINE = { gridcolor: "#30363D", linecolor: "#57606A", tickcolor: "#57606A" };
  const BOX = { gridcolor: "#3A424B", backgroundcolor: "#1B1F24" };
  const DARK = {
    paper_bgcolor: "#111111",
    plot_bgcolor: "#111111",
    font: { color: INK["#1F2933"] },
    xaxis: LINE,
    yaxis: LINE,
    scene: { xaxis: BOX, yaxis: BOX, zaxis: BOX },
    legend: { bgcolor: "rgba(17,17,17,0.8)" },
    modebar: { bgcolor: "rgba(17,17,17,0)", activecolor: INK["#1F2933"] },
  };

  const isDark = () => {
    const { jpThemeLight, vscodeThemeKind } = document.body.dataset;
    if (jpThemeLight) return jpThemeLight === "false";
    if (vscodeThemeKind) return !/light/.test(vscodeThemeKind);
    if (document.documentElement.getAttribute("theme")) // Colab
      return document.documentElement.getAttribute("theme") === "dark";
    return /dark/.test(getComputedStyle(document.documentElement).colorScheme)
      && matchMedia("(prefers-color-scheme: dark)").matches;
  };

  // Lettering and lines in ink are turned, but for those on a map, whose colours do not change.
  const turn = (value) => {
    if (typeof value === "string") return INK[value] ?? value;
    if (!value || typeof value !== "object" || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, turn(v)]));
  };

  const dressed = ({ data, layout }) => {
    if (!isDark()) return [data, layout];
    const at = ({ xaxis = "x", scene }) => scene ?? xaxis;
    const maps = new Set(data.filter(({ type }) => type === "contour").map(at));
    const traces = data.map((trace) => {
      const { line, marker, textfont, error_y } = trace;
      const bars = error_y && { color: INK["#1F2933"], ...error_y };
      const inks = Object.entries({ line, marker, textfont, error_y: bars }).filter(([, v]) => v);
      return maps.has(at(trace)) ? trace
        : { ...trace, ...Object.fromEntries(inks.map(([k, v]) => [k, turn(v)])) };
    });
    const template = { ...layout.template, layout: merge({ ...layout.template?.layout }, DARK) };
    return [traces, { ...layout, template }];
  };

  // Calls `draw` when the page turns dark or light; returns how to stop that.
  const followLook = (draw) => {
    const watch = new MutationObserver(draw);
    const told = ["data-jp-theme-light", "data-vscode-theme-kind", "theme"];
    for (const root of [document.body, document.documentElement])
      watch.observe(root, { attributes: true, attributeFilter: told });
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    return () => {
      watch.disconnect();
      scheme.removeEventListener("change", draw);
    };
  };
