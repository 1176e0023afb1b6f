/// How the page of a map looks and what it does: the points are drawn on a canvas, in colours of which the first ten can
/// be told apart, and the rest share them.
extension CorpusMap {
    static let style: HTML = """
        main { max-width: 1400px; }
        .map { position: relative; border: 1px solid var(--line); border-radius: 10px; background: var(--card);
          height: min(72vh, 900px); min-height: 320px; overflow: hidden; }
        canvas { width: 100%; height: 100%; display: block; touch-action: none; cursor: grab; }
        canvas:focus-visible { outline: 2px solid var(--s0); outline-offset: -2px; border-radius: 10px; }
        .tip { position: absolute; pointer-events: none; max-width: min(420px, 80%); background: var(--card);
          border: 1px solid var(--line); border-radius: 6px; padding: 6px 10px; font-size: 13px; line-height: 1.4;
          box-shadow: 0 4px 14px rgb(0 0 0 / .18); overflow-wrap: anywhere; unicode-bidi: plaintext; }
        .tip b { display: block; font-size: 12px; color: var(--quiet); font-weight: 600; }
        .controls { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; margin-bottom: 10px; }
        .controls input { flex: 0 1 320px; min-width: 0; font: inherit; color: inherit; background: var(--card);
          border: 1px solid var(--line); border-radius: 6px; padding: 5px 10px; }
        .controls output { color: var(--quiet); font-variant-numeric: tabular-nums; }
        button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);
          border-radius: 6px; padding: 4px 10px; cursor: pointer; }
        .controls button { margin-left: auto; }
        .legend.keys { margin: 12px 0 0; gap: 6px; }
        .legend.keys button { font-size: 12.5px; padding: 2px 9px; overflow-wrap: anywhere; text-align: left; }
        .legend.keys i { width: 9px; height: 9px; border-radius: 50%; }
        .legend.keys button[aria-pressed=true] { border-color: var(--ink); }

        """

    static let script: HTML = """
        const canvas = document.getElementById("map"), tip = document.getElementById("tip");
        const find = document.getElementById("find"), count = document.getElementById("count");
        const data = JSON.parse(canvas.dataset.points), total = data.x.length, pen = canvas.getContext("2d");
        const keys = [...document.querySelectorAll("#legend button")], dark = matchMedia("(prefers-color-scheme: dark)");
        const light = ["#1d63d8", "#b8500a", "#157a52", "#8a3ab9", "#c02f3a", "#0d7f8c", "#8a6d00", "#c2268f", "#5b6b1f", "#59636f"];
        const night = ["#6ea8ff", "#f2a15f", "#5cc79a", "#cf9bf0", "#f27a83", "#4fc9d6", "#e0c14a", "#f48fd0", "#b3c76a", "#a7b1bd"];
        const lower = data.text.map(text => text.toLowerCase()), shown = new Uint8Array(total).fill(1);
        let scale = 1, left = 0, top_ = 0, chosen = new Set(), at = -1, asked = false, drag = null;
        const color = label => (dark.matches ? night : light)[label % 10];
        const place = i => [left + data.x[i] * scale, top_ + data.y[i] * scale];
        const fit = () => {
          const box = canvas.getBoundingClientRect(), wide = Math.max(...bounds(data.x)), high = Math.max(...bounds(data.y));
          scale = Math.min((box.width - 48) / Math.max(wide, 1e-6), (box.height - 48) / Math.max(high, 1e-6));
          left = (box.width - wide * scale) / 2;
          top_ = (box.height - high * scale) / 2;
          ask();
        };
        const bounds = values => [values.reduce((a, b) => Math.max(a, b), 0)];
        const ask = () => { if (!asked) { asked = true; requestAnimationFrame(draw); } };
        const draw = () => {
          asked = false;
          const box = canvas.getBoundingClientRect(), ratio = devicePixelRatio || 1;
          if (canvas.width !== Math.round(box.width * ratio) || canvas.height !== Math.round(box.height * ratio)) {
            canvas.width = Math.round(box.width * ratio);
            canvas.height = Math.round(box.height * ratio);
          }
          pen.setTransform(ratio, 0, 0, ratio, 0, 0);
          pen.clearRect(0, 0, box.width, box.height);
          const radius = Math.max(1.6, Math.min(5, 130 / Math.sqrt(total)));
          for (const isShown of [0, 1]) {
            pen.globalAlpha = isShown ? .8 : .1;
            for (let i = 0; i < total; i++) {
              if (shown[i] !== isShown) continue;
              const [x, y] = place(i);
              if (x < -9 || y < -9 || x > box.width + 9 || y > box.height + 9) continue;
              pen.fillStyle = color(data.label[i]);
              pen.beginPath();
              pen.arc(x, y, radius, 0, 7);
              pen.fill();
            }
          }
          pen.globalAlpha = 1;
          if (at >= 0) {
            const [x, y] = place(at);
            pen.strokeStyle = getComputedStyle(document.body).color;
            pen.lineWidth = 2;
            pen.beginPath();
            pen.arc(x, y, radius + 3, 0, 7);
            pen.stroke();
          }
        };
        const filter = () => {
          const words = find.value.toLowerCase().trim();
          let number = 0;
          for (let i = 0; i < total; i++) {
            shown[i] = (!words || lower[i].includes(words)) && (!chosen.size || chosen.has(data.label[i])) ? 1 : 0;
            number += shown[i];
          }
          count.textContent = number === total ? "" : `${number} of ${total}`;
          ask();
        };
        const show = (i, x, y) => {
          at = i;
          tip.hidden = i < 0;
          if (i >= 0) {
            const box = canvas.getBoundingClientRect();
            tip.replaceChildren();
            if (keys.length) {
              const name = document.createElement("b");
              name.textContent = keys[data.label[i]].textContent;
              tip.append(name);
            }
            tip.append(data.text[i]);
            tip.style.left = Math.max(4, Math.min(x + 14, box.width - tip.offsetWidth - 6)) + "px";
            tip.style.top = Math.max(4, y + 16 + tip.offsetHeight > box.height ? y - tip.offsetHeight - 10 : y + 16) + "px";
          }
          ask();
        };
        const nearest = (x, y) => {
          let best = -1, least = 144;
          for (let i = 0; i < total; i++) {
            if (!shown[i]) continue;
            const [px, py] = place(i), far = (px - x) ** 2 + (py - y) ** 2;
            if (far < least) { least = far; best = i; }
          }
          return best;
        };
        const zoom = (x, y, factor) => {
          factor = Math.max(20 / scale, Math.min(400000 / scale, factor));
          left = x - (x - left) * factor;
          top_ = y - (y - top_) * factor;
          scale *= factor;
          ask();
        };
        const at_ = event => {
          const box = canvas.getBoundingClientRect();
          return [event.clientX - box.left, event.clientY - box.top];
        };
        canvas.addEventListener("pointerdown", event => { drag = at_(event); canvas.setPointerCapture(event.pointerId); });
        canvas.addEventListener("pointerup", () => { drag = null; });
        canvas.addEventListener("pointermove", event => {
          const [x, y] = at_(event);
          if (drag) {
            left += x - drag[0];
            top_ += y - drag[1];
            drag = [x, y];
            ask();
          } else show(nearest(x, y), x, y);
        });
        canvas.addEventListener("pointerleave", () => show(-1));
        canvas.addEventListener("wheel", event => {
          event.preventDefault();
          zoom(...at_(event), Math.exp(-event.deltaY / 400));
        }, { passive: false });
        canvas.addEventListener("keydown", event => {
          const box = canvas.getBoundingClientRect(), step = 60;
          if (event.key === "+" || event.key === "=") zoom(box.width / 2, box.height / 2, 1.3);
          else if (event.key === "-") zoom(box.width / 2, box.height / 2, 1 / 1.3);
          else if (event.key === "ArrowLeft") left += step; else if (event.key === "ArrowRight") left -= step;
          else if (event.key === "ArrowUp") top_ += step; else if (event.key === "ArrowDown") top_ -= step;
          else if (event.key === "0") fit(); else return;
          event.preventDefault();
          ask();
        });
        find.addEventListener("input", filter);
        const paint = () => {
          for (const [label, key] of keys.entries()) key.querySelector("i").style.background = color(label);
          ask();
        };
        for (const [label, key] of keys.entries()) key.addEventListener("click", () => {
          if (chosen.has(label)) chosen.delete(label); else chosen.add(label);
          key.setAttribute("aria-pressed", chosen.has(label));
          filter();
        });
        document.getElementById("whole").addEventListener("click", () => {
          find.value = "";
          chosen.clear();
          for (const key of keys) key.setAttribute("aria-pressed", false);
          filter();
          fit();
        });
        dark.addEventListener("change", paint);
        addEventListener("resize", fit);
        paint();
        fit();

        """
}
