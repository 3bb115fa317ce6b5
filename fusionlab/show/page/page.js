  // What a page needs to draw figures, once per page: plotly itself, and two ways to use it.
  // `mount` draws a figure that Python changes, `show` one that stands alone, with its slider.
  const merge = (target, patch) => {
    for (const [key, value] of Object.entries(patch)) {
      const branch = value && typeof value === "object" && !Array.isArray(value);
      target[key] = branch ? merge({ ...target[key] }, value) : value;
    }
    return target;
  };

  // A patch names traces by their key, which is their meta; layout changes stand beside them.
  const apply = (spec, { traces = {}, layout = {} }) => {
    for (const trace of spec.data) if (traces[trace.meta]) merge(trace, traces[trace.meta]);
    merge(spec.layout, layout);
  };

  const unpack = async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(plain).text();
  };

  // The arguments hide a page's module loaders, which plotly would prefer to the global name.
  const load = (base64, version) => {
    const once = (globalThis.fusionlabLoads ??= {});
    once[version] ??= unpack(base64).then((code) =>
      new Function("module", "exports", "define", code).call(globalThis));
  };

  const plotly = async () => {
    for (let i = 0; i < 600 && !globalThis.Plotly; i++) await new Promise((r) => setTimeout(r, 50));
    if (!globalThis.Plotly) throw new Error("the drawing library is not on this page");
    return globalThis.Plotly;
  };

  const name = (el, layout) => {
    el.classList.toggle("fusionlab-dark", isDark());
    el.style.maxWidth = layout.meta?.widest ? `${layout.meta.widest}px` : ""; // a map is not stretched
    el.setAttribute("role", "img");
    el.setAttribute("aria-label", layout.meta?.description ?? layout.title?.text ?? "figure");
  };

  // What is drawn on this page: dark where it is dark, stacked where it is narrow.
  const fitted = (el, spec) => {
    const [data, layout] = dressed(spec);
    const [traces, placed] = isNarrow(el, layout) ? stacked(data, layout) : [data, layout];
    return [traces, folded(el, placed)];
  };

  // What a hover label says, in the words of its template: %{x:.2f}, %{customdata:.3g}, …
  const fill = (template, point) => template.replace(/<extra>.*/, "").replace(
    /%\{(\w+)(?::\.(\d+)([fg%]))?\}/g,
    (_, key, digits, kind) => {
      const value = point[key];
      if (kind === "f") return Number(value).toFixed(digits);
      if (kind === "g") return String(Number(Number(value).toPrecision(digits)));
      if (kind === "%") return `${(100 * value).toFixed(digits)} %`;
      return value ?? "";
    });

  // A line below the figure that reads out what is under the pointer; x and y fields do it by keys.
  const readout = (el, rest = "Point at the map to read it; click to go there.") => {
    // The lettering of a scene in space is a picture in the picture, which has its name already.
    for (const svg of el.querySelectorAll(".gl-container svg")) svg.setAttribute("aria-hidden", "true");
    if (el.nextSibling || !el.data.some(({ meta }) => meta === "surface:map")) return;
    const line = document.createElement("div");
    line.className = "fusionlab-readout";
    line.textContent = rest;
    el.after(line);
    el.on("plotly_hover", ({ points: [point] }) => {
      const { hovertemplate, meta } = point.data;
      if (!hovertemplate) return;
      const said = fill(hovertemplate, point).replace(/<[^>]*>/g, "").replace("≈ ", "");
      const map = /^surface\d*:map$/.test(meta);
      const how = point.text ? "interpolated between measured points" : "measured";
      line.textContent = map ? `${said}, ${how}` : said;
    });
    const clear = () => (line.textContent = rest);
    el.on("plotly_unhover", clear);
    el.addEventListener("fusionlab-replaced", clear);
  };

  const fail = (el, layout, error) => {
    const words = layout.meta?.description ?? "";
    el.textContent = `${words} (Not drawn: ${error.message}. Run this cell again.)`;
  };

  // Draws at most once per frame of the screen, always the newest state, one drawing after the
  // other; not out of sight, where no text has a size, and not while the figure is pressed.
  const painter = (el, spec, { press, drawn }) => {
    let asked = false, busy = false, first = true;
    const paint = async () => {
      const { react } = await plotly();
      await press.over;
      asked = false;
      if (!el.clientWidth) return;
      name(el, spec.layout);
      await react(el, ...fitted(el, spec), spec.config);
      if (first) drawn();
      first = false;
      readout(el);
      el.dispatchEvent(new CustomEvent("fusionlab-drawn"));
    };
    const work = async () => {
      while (asked) {
        await frames(1);
        await paint();
      }
    };
    return () => {
      asked = true;
      if (busy) return;
      busy = true;
      work().catch((error) => fail(el, spec.layout, error)).finally(() => (busy = false));
    };
  };

  // Long words are folded to their first line for the eye; a screen reader reads them all.
  const unfolder = (line) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "fusionlab-unfold";
    button.addEventListener("click", () => {
      const open = line.classList.toggle("fusionlab-unfolded");
      button.setAttribute("aria-expanded", open);
      button.textContent = open ? "less" : "more";
    });
    button.textContent = "more";
    button.setAttribute("aria-expanded", false);
    const fit = () => {
      const words = line.querySelector(".widget-html-content");
      button.hidden = !line.classList.contains("fusionlab-unfolded")
        && !(words?.scrollWidth > words?.clientWidth);
    };
    new ResizeObserver(fit).observe(line);
    new MutationObserver(fit).observe(line, { subtree: true, childList: true, characterData: true });
    return button;
  };

  // Sliders of ipywidgets have no accessible name, and its status lines do not speak.
  const dress = (el) => {
    const root = el.closest(".fusionlab-explorer");
    if (!root) return () => {};
    const fit = () => {
      for (const handle of root.querySelectorAll("[role=slider]:not([aria-label])")) {
        const label = handle.closest(".widget-inline-hbox")?.querySelector(".widget-label");
        if (label) handle.setAttribute("aria-label", label.textContent);
      }
      for (const line of root.querySelectorAll(".fusionlab-status:not([aria-live])")) {
        line.setAttribute("role", "status");
        line.setAttribute("aria-live", "polite");
        line.append(unfolder(line));
      }
    };
    const watch = new MutationObserver(fit);
    watch.observe(root, { childList: true, subtree: true });
    fit();
    return () => watch.disconnect();
  };

  const give = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  // Pictures are made by plotly at the figure's own size, pixels three times as fine.
  const save = async (el, { save: kind, name, text }) => {
    if (kind === "html") return give(new Blob([text], { type: "text/html" }), `${name}.html`);
    const size = { width: el.clientWidth, height: el.clientHeight, scale: kind === "png" ? 3 : 1 };
    return (await plotly()).downloadImage(el, { format: kind, filename: name, ...size });
  };

  // Live figures by the key of their twin, which hides where they are.
  const live = (globalThis.fusionlabLive ??= new Set());
  const hide = (twin) => twin && ((twin.closest(".jp-OutputArea-child") ?? twin).style.display = "none");

  const mount = (model, el) => {
    const spec = structuredClone(model.get("_figure"));
    const press = presses(el, ({ x, y, key }) => model.send({ clicked: [x, y], key }));
    let undress, narrow = false, ready = false;
    const drawn = () => {
      ready = true;
      press.watch();
      live.add(model.get("_twin"));
      hide(document.querySelector(`[data-twin="${model.get("_twin")}"]`));
    };
    const paint = painter(el, spec, { press, drawn });
    const replace = () => {
      el.dispatchEvent(new CustomEvent("fusionlab-replaced"));
      el.querySelector(".hoverlayer")?.replaceChildren();
      const fresh = structuredClone(model.get("_figure"));
      for (const key of Object.keys(fresh.layout).filter((k) => /^scene/.test(k))) {
        const camera = el._fullLayout?.[key]?._scene?.getCamera(); // plotly's layout may lag behind
        if (camera) fresh.layout[key].camera = camera;
      }
      Object.assign(spec, fresh);
      paint();
    };
    const change = (message) => {
      if (message.save && el.clientWidth) save(el, message);
      if (!message.traces) return;
      apply(spec, message);
      paint();
    };
    const size = new ResizeObserver(() => {
      undress ??= dress(el); // only now is the figure a part of the page
      if (!ready || isNarrow(el, spec.layout) !== narrow) paint();
      else if (el.clientWidth) Plotly.Plots.resize(el);
      narrow = isNarrow(el, spec.layout);
    });
    el.classList.add("fusionlab-figure");
    el.style.minHeight = `${spec.layout.height}px`;
    name(el, spec.layout);
    model.on("change:_figure", replace);
    model.on("msg:custom", change);
    model.send({ mounted: true });
    size.observe(el);
    const unfollow = followLook(paint);
    return () => {
      model.off("change:_figure", replace);
      model.off("msg:custom", change);
      size.disconnect();
      unfollow();
      undress?.();
      globalThis.Plotly?.purge(el);
    };
  };

  // A native slider is there for the keyboard and for screen readers; plotly's own is not.
  const slider = (el, { label, steps, words, start, plays }, choose) => {
    const row = document.createElement("div");
    row.className = "fusionlab-slider";
    row.innerHTML = `<label>${label} <input type="range" min="0" step="1"></label> <output></output>`;
    const input = row.querySelector("input");
    input.max = steps.length - 1;
    input.value = start;
    const follow = () => {
      input.setAttribute("aria-valuetext", steps[input.value]);
      row.querySelector("output").textContent = words[input.value];
      choose(steps[input.value]);
    };
    input.addEventListener("input", follow);
    el.before(row);
    if (plays) row.prepend(player(input));
    follow();
    return follow;
  };

  // A button that moves a slider on by itself, to its end or until it is pressed again.
  const player = (input) => {
    const button = document.createElement("button");
    let timer = 0;
    const name = () => (button.textContent = timer ? "❚❚ Pause" : "▶ Play");
    const rest = () => { clearInterval(timer); timer = 0; name(); };
    const move = () => {
      if (+input.value >= +input.max) return rest();
      input.value = +input.value + 1;
      input.dispatchEvent(new Event("input"));
    };
    button.type = "button";
    button.addEventListener("click", () => {
      if (timer) return rest();
      if (+input.value >= +input.max) input.value = -1;
      timer = setInterval(move, 300);
      name();
    });
    name();
    return button;
  };

  const draw = async (still, el, words) => {
    const spec = JSON.parse(still.querySelector("script").textContent);
    const { data, layout, config, frames = [] } = spec;
    const { newPlot, react, addFrames, animate } = await plotly();
    const [control] = layout.sliders ?? [];
    delete layout.sliders;
    name(el, layout);
    await newPlot(el, ...fitted(el, spec), config);
    readout(el, "Point at the map to read it.");
    still.classList.add("fusionlab-drawn"); // its words are for screen readers now
    el.setAttribute("aria-describedby", words.id);
    let choose = () => {};
    const again = async () => {
      name(el, layout);
      await react(el, ...fitted(el, { data, layout }), config);
      choose();
    };
    let narrow = isNarrow(el, layout);
    followLook(again);
    new ResizeObserver(() => {
      if (isNarrow(el, layout) === narrow) return;
      narrow = !narrow;
      again();
    }).observe(el);
    if (!control) return;
    await addFrames(el, frames);
    const once = { mode: "immediate", frame: { duration: 0, redraw: true }, transition: { duration: 0 } };
    choose = slider(el, {
      label: control.currentvalue.prefix,
      steps: control.steps.map((step) => step.label),
      words: layout.meta.words,
      plays: layout.meta.plays,
      start: control.active ?? 0,
    }, (frame) => animate(el, [frame], once));
  };

  // Drawn when it comes into sight, which a twin of a live figure never does.
  const show = (still) => {
    if (live.has(still.dataset.twin)) return hide(still);
    const [frame, el, words] = [document.createElement("div"), document.createElement("div"), still.querySelector("p")];
    const { layout } = JSON.parse(still.querySelector("script").textContent);
    frame.className = "fusionlab-frame";
    el.className = "fusionlab-figure";
    el.style.minHeight = `${layout.height ?? 360}px`;
    frame.append(el);
    still.prepend(frame);
    const sight = new IntersectionObserver((seen) => {
      if (!seen.some(({ isIntersecting }) => isIntersecting)) return;
      sight.disconnect();
      draw(still, el, words).catch((error) => fail(el, layout, error));
    }, { rootMargin: "600px" });
    sight.observe(still);
  };

  globalThis.fusionlab = { load, mount, show };
  dispatchEvent(new Event("fusionlab"));
