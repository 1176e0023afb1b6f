/// How a page looks: one style sheet for light, dark and paper, and a script that shows the values of a chart under
/// the pointer, or by the arrow keys.
extension HTMLPage {
    static let style: HTML = """
        :root { --ink: #1b1f24; --quiet: #5a6572; --page: #f6f7f9; --card: #fff; --line: #d9dee4; --s0: #1d63d8;
          --s1: #b8500a; --s2: #157a52; --s3: #8a3ab9; --wrong: #c02f3a; --on: #fff; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e7eaee; --quiet: #9aa6b2; --page: #0f1318; --card: #181d24;
          --line: #303843; --s0: #6ea8ff; --s1: #f2a15f; --s2: #5cc79a; --s3: #cf9bf0; --wrong: #f27a83; --on: #0f1318; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); -webkit-text-size-adjust: 100%;
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
        main { max-width: 1060px; margin: 0 auto; padding: 24px 20px 48px; }
        h1 { font-size: 26px; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
        h2 { font-size: 18px; margin: 0 0 14px; }
        .sub { margin: 4px 0 18px; color: var(--quiet); overflow-wrap: anywhere; }
        .sub b { color: var(--ink); font-weight: 600; }
        section, .tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
        section { padding: 18px 20px; margin-top: 18px; min-width: 0; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; }
        .tile { padding: 12px 16px; display: flex; flex-direction: column; }
        .tile span { color: var(--quiet); }
        .tile strong { font-size: 26px; line-height: 1.3; font-variant-numeric: tabular-nums; }
        small, .small { font-size: 12.5px; color: var(--quiet); }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 18px 28px;
          align-items: start; }
        .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 0 18px; }
        figure { margin: 0; min-width: 0; max-width: 560px; position: relative; }
        figcaption { font-weight: 600; margin-bottom: 4px; }
        svg { width: 100%; height: auto; display: block; overflow: visible; }
        svg:focus-visible { outline: 2px solid var(--s0); outline-offset: 3px; border-radius: 4px; }
        svg text { fill: var(--quiet); font-size: 12px; font-family: inherit; font-variant-numeric: tabular-nums; }
        svg .note { fill: var(--ink); font-weight: 600; }
        .grid { stroke: var(--line); stroke-width: 1; }
        .axis { stroke: var(--quiet); stroke-width: 1; }
        .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
        .line.s0, i.s0 { stroke: var(--s0); background: var(--s0); }
        .line.s1, i.s1 { stroke: var(--s1); background: var(--s1); }
        .line.s2, i.s2 { stroke: var(--s2); background: var(--s2); }
        .line.s3, i.s3 { stroke: var(--s3); background: var(--s3); }
        .dot { stroke: var(--card); stroke-width: 1.5; }
        .dot.s0, .spot.s0 { fill: var(--s0); } .dot.s1 { fill: var(--s1); } .dot.s2 { fill: var(--s2); }
        .dot.s3 { fill: var(--s3); }
        .line.faint { stroke-width: 1; opacity: .45; } i.faint { opacity: .45; }
        .spot { opacity: .45; }
        .mark { fill: none; stroke: var(--ink); stroke-width: 1.5; }
        .diagonal { stroke: var(--quiet); stroke-dasharray: 5 5; }
        .bar { fill: var(--s0); opacity: .16; }
        .cursor { stroke: var(--quiet); stroke-dasharray: 2 3; visibility: hidden; }
        .cell { fill: transparent; stroke: var(--line); stroke-width: .5; }
        .cell.right { fill: var(--s0); } .cell.wrong { fill: var(--wrong); }
        svg .count { fill: var(--ink); font-size: 14px; } svg .count.on { fill: var(--on); }
        .interval { width: 104px; height: 14px; display: inline-block; vertical-align: middle; }
        .track { fill: var(--line); } .whisker { fill: var(--s0); opacity: .5; } .share { fill: var(--s0); opacity: .7; }
        .legend { display: flex; flex-wrap: wrap; gap: 2px 16px; list-style: none; margin: 0 0 4px; padding: 0;
          font-size: 12.5px; color: var(--quiet); }
        .legend i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px;
          vertical-align: middle; }
        .value { position: absolute; top: 0; right: 0; max-width: 80%; font-size: 12.5px; background: var(--card);
          border: 1px solid var(--line); border-radius: 6px; padding: 1px 8px; pointer-events: none; }
        .value:empty { display: none; }
        .scroll { overflow-x: auto; margin: 0 0 6px; }
        .charts + .scroll { margin-top: 18px; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
        th:first-child, td:first-child { text-align: left; padding-left: 0; }
        thead th { color: var(--quiet); font-weight: 500; font-size: 13px; }
        tbody th { font-weight: 500; }
        tr.kept { font-weight: 700; }
        table.texts th, table.texts td { text-align: left; vertical-align: top; }
        table.texts bdi { white-space: normal; overflow-wrap: break-word; }
        td.text { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 240px; width: 70%; unicode-bidi: plaintext; }
        .pair { color: var(--quiet); unicode-bidi: plaintext; }
        dl { display: grid; grid-template-columns: minmax(110px, max-content) 1fr; gap: 4px 18px; margin: 0 0 12px; }
        dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
        @media (max-width: 600px) { main { padding: 16px 12px 32px; } section { padding: 14px 12px; }
          th, td { padding: 5px 7px; } .tiles { grid-template-columns: 1fr 1fr; } .tile strong { font-size: 21px; } }
        @media print { :root { --page: #fff; } main { max-width: none; padding: 0; } section, .tile, figure, tr {
          break-inside: avoid; } body { font-size: 11px; } .scroll { overflow: visible; } .value { display: none; } }

        """

    static let script: HTML = """
        for (const svg of document.querySelectorAll("svg[data-hover]")) {
          const points = JSON.parse(svg.dataset.hover), cursor = svg.querySelector(".cursor");
          const value = document.createElement("div");
          value.className = "value";
          value.setAttribute("role", "status");
          svg.parentNode.append(value);
          let at = -1;
          const show = index => {
            at = Math.max(0, Math.min(points.length - 1, index));
            cursor.setAttribute("x1", points[at][0]);
            cursor.setAttribute("x2", points[at][0]);
            cursor.style.visibility = "visible";
            value.textContent = points[at][1];
          };
          const hide = () => { cursor.style.visibility = "hidden"; value.textContent = ""; };
          svg.addEventListener("pointermove", event => {
            const box = svg.getBoundingClientRect();
            const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
            let best = 0;
            for (let i = 1; i < points.length; i++)
              if (Math.abs(points[i][0] - x) < Math.abs(points[best][0] - x)) best = i;
            show(best);
          });
          svg.addEventListener("pointerleave", hide);
          svg.addEventListener("blur", hide);
          svg.addEventListener("keydown", event => {
            if (event.key === "ArrowRight") show(at + 1); else if (event.key === "ArrowLeft") show(at - 1);
            else if (event.key === "Escape") hide(); else return;
            event.preventDefault();
          });
        }

        """
}
