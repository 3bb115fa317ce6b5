  // Panels that stand side by side come below one another where there is no room for them.
  const ROOM = 720; // pixels that they need

  const panelsOf = (layout) => Object.entries(layout)
    .filter(([key, value]) => /^(xaxis|scene)\d*$/.test(key) && value.domain)
    .map(([key, { domain }]) => (/^scene/.test(key) ? domain.x : domain));

  // Where each column of panels begins.
  const columnsOf = (layout) => {
    const starts = panelsOf(layout).sort((a, b) => a[0] - b[0]);
    const ends = [];
    return starts.filter(([left, right]) => {
      const fresh = !ends.length || left >= Math.max(...ends);
      ends.push(right);
      return fresh;
    }).map(([left]) => left);
  };

  const isNarrow = (el, layout) => {
    const room = el.parentElement?.clientWidth;
    return room > 0 && room < ROOM && columnsOf(layout).length > 1;
  };

  const stacked = (data, layout) => {
    const lefts = columnsOf(layout), n = lefts.length;
    const column = (x) => lefts.filter((left) => left <= x + 1e-6).length - 1;
    const across = (x, i) => (x - lefts[i]) / ((lefts[i + 1] ?? 1.02) - 0.02 - lefts[i]);
    const up = (y, i) => (n - 1 - i + 0.15 + 0.77 * y) / n;
    const move = (item) => {
      const i = column(Math.max(item.x ?? 0, 0));
      return { ...item, x: across(item.x, i), y: up(item.y, i) };
    };
    const fresh = { ...layout, height: Math.round((layout.height ?? 360) * n * 1.25) };
    for (const [key, value] of Object.entries(layout)) {
      const number = key.match(/^[a-z]+(\d*)$/)?.[1];
      if (/^scene/.test(key) && value.domain) {
        const i = column(value.domain.x[0]);
        const domain = { x: value.domain.x.map((x) => across(x, i)), y: value.domain.y.map((y) => up(y, i)) };
        fresh[key] = { ...value, domain };
      }
      if (/^xaxis/.test(key) && value.domain) {
        const i = column(value.domain[0]), y = `yaxis${number}`;
        fresh[key] = { ...value, domain: value.domain.map((x) => Math.min(across(x, i), 1)) };
        fresh[y] = { ...layout[y], domain: layout[y].domain.map((v) => up(v, i)) };
      }
      if (/^legend/.test(key) && value.x !== undefined && value.y !== undefined) fresh[key] = move(value);
    }
    fresh.annotations = layout.annotations?.map((one) => (one.xref === "paper" ? move(one) : one));
    const bars = data.map((trace) => { // shorter than a map that is as wide as a narrow page
      const { colorbar: bar } = trace;
      return bar?.x === undefined ? trace
        : { ...trace, colorbar: { ...move(bar), len: (0.5 * (bar.len ?? 1)) / n } };
    });
    return [bars, fresh];
  };

  // On a narrow page, what is written above and below a picture goes on in the next line.
  const SCENE = 600; // pixels: a scene is drawn as large as it is high, on less it would be cut
  const LETTER = { title: 8, axis: 7 }; // pixels
  const fold = (text, room) => text.split("<br>").map((line) => line.split(" ").reduce(
    ([...lines], word) => {
      const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
      if (!lines.length || longer.replace(/<[^>]*>/g, "").length > room) return [...lines, word];
      return [...lines.slice(0, -1), longer];
    }, []).join("<br>")).join("<br>");

  const folded = (el, layout) => {
    const width = el.parentElement?.clientWidth;
    if (!(width > 0 && width < ROOM)) return layout;
    const fit = (text, letter = LETTER.title) => fold(text, Math.floor((width - 70) / letter));
    const fresh = { ...layout };
    if (layout.title?.text) {
      const text = fit(layout.title.text), extra = 20 * (text.split("<br>").length - 1);
      const margin = layout.margin?.t ?? layout.template.layout.margin.t;
      fresh.title = { ...layout.title, text };
      fresh.margin = { ...layout.margin, t: margin + extra };
    }
    for (const key of Object.keys(layout).filter((key) => /^xaxis/.test(key) && layout[key].title?.text))
      fresh[key] = { ...layout[key], title: { ...layout[key].title, text: fit(layout[key].title.text, LETTER.axis) } };
    const small = Math.min(1, width / SCENE);
    for (const key of Object.keys(layout).filter((key) => /^scene/.test(key) && layout[key].aspectratio)) {
      const { x, y, z } = layout[key].aspectratio;
      fresh[key] = { ...fresh[key], aspectratio: { x: x * small, y: y * small, z: z * small } };
    }
    fresh.annotations = layout.annotations?.map((one) =>
      (one.xref === "paper" ? { ...one, text: fit(one.text), align: "left" } : one));
    return fresh;
  };
