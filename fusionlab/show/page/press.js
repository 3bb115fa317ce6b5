  // Clicks: a press without a drag. Plotly's own get lost while a figure is drawn anew under the
  // pointer, and in space it takes each turn of the picture for one.
  const DRAG = 5; // pixels: a press that goes farther is a drag
  const NEAR = 20; // pixels: a point so near is meant rather than the map below it

  const axisOf = (el, id) => el._fullLayout[id.replace(/^[xy]/, "$&axis")];

  const nearest = (values, value) => values.reduce((best, v) =>
    (Math.abs(v - value) < Math.abs(best - value) ? v : best));

  // What a trace has at a place of the figure: a point of its grid, or its nearest point.
  const candidate = (el, trace, px, py) => {
    const [xa, ya] = [axisOf(el, trace.xaxis), axisOf(el, trace.yaxis)];
    const [x, y] = [px - xa._offset, py - ya._offset];
    if (x < 0 || y < 0 || x > xa._length || y > ya._length) return [];
    const found = (px, py, away) => ({ x: px, y: py, key: trace.meta ?? "", away });
    if (trace.z) return [found(nearest(trace.x, xa.p2d(x)), nearest(trace.y, ya.p2d(y)), NEAR)];
    return Array.from(trace.x, (v, i) =>
      found(v, trace.y[i], Math.hypot(xa.d2p(v) - x, ya.d2p(trace.y[i]) - y)));
  };

  const under = (el, { clientX, clientY }) => {
    const { left, top } = el.getBoundingClientRect();
    const traces = el._fullData.filter((t) =>
      t.visible === true && t.xaxis && t.x && t.y && t.hoverinfo !== "skip" && t.type !== "bar");
    const all = traces.flatMap((trace) => candidate(el, trace, clientX - left, clientY - top));
    const near = all.filter(({ away }) => away <= NEAR);
    return near.length && near.reduce((best, one) => (one.away < best.away ? one : best));
  };

  const frames = (n) => new Promise((done) =>
    requestAnimationFrame(() => (n > 1 ? frames(n - 1).then(done) : done())));

  // Calls `click` with what was clicked; `over` is a promise that the present press has ended.
  const presses = (el, click) => {
    const state = { over: Promise.resolve(), watch };
    let inSpace = null; // what plotly last found under the pointer in a scene in space
    function watch() {
      const note = ({ points: [{ x, y, data }] }) => {
        inSpace = /3d$|^surface$/.test(data.type) ? { x, y, key: data.meta ?? "" } : null;
      };
      el.on("plotly_hover", note);
      el.on("plotly_click", note);
      el.on("plotly_unhover", () => (inSpace = null));
    }
    const release = async (from, event) => {
      if (Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) > DRAG) return;
      const stack = document.elementsFromPoint(event.clientX, event.clientY);
      const turns = stack.some((e) => e.matches(".gl-container *") && el.contains(e));
      if (turns) await frames(3); // it looks for what is there when it draws next
      const hit = turns ? inSpace : under(el, event);
      if (hit) click(hit);
    };
    el.addEventListener("pointerdown", (from) => {
      if (from.button || !el._fullData || from.target.closest(".legend, .modebar")) return;
      const stop = new AbortController();
      const often = { signal: stop.signal, capture: true };
      let dragged = false;
      addEventListener("pointermove", (event) => {
        dragged ||= Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) > DRAG;
      }, often);
      state.over = new Promise((done) => {
        const end = (event) => {
          stop.abort();
          if (event.type === "pointerup" && !dragged) release(from, event);
          done();
        };
        for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, end, often);
      });
    }, true);
    return state;
  };
