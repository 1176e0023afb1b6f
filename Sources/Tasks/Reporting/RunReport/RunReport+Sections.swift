import JSON

/// The parts of the report, from top to bottom.
extension RunReport {
    // MARK: Summary

    var summary: HTML {
        var tiles = (estimates?.headline ?? []).map { estimate -> HTML in
            let text = estimate.isShare ? "\(percent(estimate.value)) %" : fixed(estimate.value, 3)
            return tile(estimate.name, text, "95 % confidence: \(Self.range(estimate))")
        }
        if let entities {
            tiles.append(tile("entity F1", "\(percent(entities.micro.f1)) %", "of \(entities.micro.support) entities"))
            tiles.append(tile("words", "\(percent(entities.accuracy)) %", "of \(entities.words) tags right"))
        }
        if let kept, let examples = analysis?.examples ?? entities?.sentences {
            tiles.append(
                tile("kept epoch", "\(kept.epoch)", "of \(history.evaluations.count); \(examples) dev examples"))
        } else if let last = history.evaluations.last {
            tiles.append(tile("training loss", fixed(last.trainingLoss, 4), "mean of epoch \(last.epoch)"))
        }
        let note: HTML =
            analysis == nil && entities == nil
            ? "<p>Without a dev set there is nothing to say of the model's quality here.</p>\n" : .empty
        return """
            <header>
            <h1>\(title)</h1>
            <p class="sub">fine-tuned from <b>\(baseModel)</b></p>
            \(note)<div class="tiles">
            \(tiles)</div>
            </header>

            """
    }

    private func tile(_ name: String, _ value: String, _ detail: String) -> HTML {
        "<div class=\"tile\"><span>\(name)</span><strong>\(value)</strong><small>\(detail)</small></div>\n"
    }

    // MARK: Learning

    var curves: HTML {
        let charts = [lossChart, metricChart, learningRateChart, gradientChart].compactMap { $0 }
        let figures = charts.map { figure($0.0, $0.1.html) }
        let rows = history.evaluations.map { evaluation -> HTML in
            let numbers = devNames.map { name -> HTML in "<td>\(evaluation[name].map { fixed($0, 4) } ?? "–")</td>" }
            return """
                <tr\(evaluation == kept ? " class=\"kept\"" : "" as HTML)><th scope="row">\(evaluation.epoch)</th>\
                <td>\(evaluation.step)</td><td>\(fixed(evaluation.trainingLoss, 4))</td>\(numbers)</tr>

                """
        }
        let names = devNames.map { name -> HTML in "<th scope=\"col\">dev \(name)</th>" }
        let events = history.entries.compactMap { entry -> HTML? in
            guard case .event(let name, let step, let detail) = entry, name != "checkpoint" else { return nil }
            return "<li>step \(step): \(Self.words(name))\(detail.map { " – \($0)" } ?? "")</li>\n"
        }
        return section(
            "Learning",
            """
            <div class="charts">
            \(figures)</div>
            <div class="scroll"><table>
            <thead><tr><th scope="col">epoch</th><th scope="col">step</th><th scope="col">training loss</th>\(names)</tr></thead>
            <tbody>
            \(rows)</tbody>
            </table></div>
            \(events.isEmpty ? .empty : "<ul>\(events)</ul>\n" as HTML)
            """)
    }

    /// The names of the dev numbers, without the number of examples.
    private var devNames: [String] {
        (history.evaluations.last?.dev.members ?? []).compactMap { member in
            member.key != "examples" && member.value.number != nil ? member.key : nil
        }
    }

    private var lossChart: (String, LineChart)? {
        let steps = history.steps
        guard !steps.isEmpty else { return nil }
        let raw = steps.map { LineChart.Point(x: Double($0.step), y: $0.loss) }
        var series = [LineChart.Series(name: "step", style: .faint, points: raw)]
        series.append(LineChart.Series(name: "training, smoothed", points: Self.smoothed(raw)))
        let dev = history.evaluations.compactMap { evaluation in
            evaluation["loss"].map { LineChart.Point(x: Double(evaluation.step), y: $0) }
        }
        // In the colour of dev in every chart.
        if !dev.isEmpty { series.append(LineChart.Series(name: "dev", style: .points, points: dev)) }
        return ("Loss", LineChart(xTitle: "step", yTitle: "loss", series: series, xRange: stepRange))
    }

    private var metricChart: (String, LineChart)? {
        let names = devNames.filter { $0 != "loss" && !($0 == "mse" || $0 == "mae") }.prefix(3)
        let series = names.map { name in
            LineChart.Series(
                name: name, style: .points,
                points: history.evaluations.compactMap { evaluation in
                    evaluation[name].map { LineChart.Point(x: Double(evaluation.step), y: $0) }
                })
        }
        guard let first = series.first, !first.points.isEmpty else { return nil }
        var chart = LineChart(xTitle: "step", yTitle: "dev", series: Array(series), xRange: stepRange)
        if let kept, let value = kept[first.name] {
            chart.mark = LineChart.Mark(LineChart.Point(x: Double(kept.step), y: value), "kept: \(fixed(value, 4))")
        }
        return ("Dev set", chart)
    }

    private var learningRateChart: (String, LineChart)? {
        let points = history.steps.compactMap { step in
            step.learningRate.map { LineChart.Point(x: Double(step.step), y: $0) }
        }
        guard !points.isEmpty else { return nil }
        let series = LineChart.Series(name: "learning rate", points: points)
        return (
            "Learning rate",
            LineChart(xTitle: "step", yTitle: "learning rate", series: [series], xRange: stepRange, yRange: 0...0)
        )
    }

    private var gradientChart: (String, LineChart)? {
        let points = history.steps.compactMap { step in
            step.gradientNorm.map { LineChart.Point(x: Double(step.step), y: $0) }
        }
        guard !points.isEmpty else { return nil }
        let series = [
            LineChart.Series(name: "step", style: .faint, points: points),
            LineChart.Series(name: "smoothed", points: Self.smoothed(points)),
        ]
        return (
            "Gradient norm", LineChart(xTitle: "step", yTitle: "norm", series: series, xRange: stepRange, yRange: 0...0)
        )
    }

    /// `stoppedEarly` as "stopped early".
    private static func words(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? " \($1.lowercased())" : "\($1)" }
    }

    /// The same for all charts over steps.
    private var stepRange: ClosedRange<Double> { 0...Double(history.entries.last?.step ?? 1) }

    /// The moving average whose weights halve with a fiftieth of the run, without the pull to 0 at its start.
    static func smoothed(_ points: [LineChart.Point]) -> [LineChart.Point] {
        let keep = max(0.5, 1 - 35 / Double(max(70, points.count)))
        var (mean, weight) = (0.0, 0.0)
        return points.compactMap { point in
            guard point.y.isFinite else { return nil }
            (mean, weight) = (keep * mean + (1 - keep) * point.y, keep * weight + (1 - keep))
            return LineChart.Point(x: point.x, y: mean / weight)
        }
    }

    // MARK: Facts

    var dataSection: HTML {
        let most = Double(labelCounts.map(\.train).max() ?? 1)
        let all = max(1, labelCounts.reduce(0) { $0 + $1.train })
        let rows = labelCounts.map { count -> HTML in
            """
            <tr><th scope="row"><bdi>\(count.label)</bdi></th><td>\(count.train)</td>\
            <td>\(percent(Double(count.train) / Double(all))) %</td><td>\(count.dev.map { "\($0)" } ?? "–")</td>\
            <td><svg class="interval" viewBox="0 0 104 14" aria-hidden="true"><rect class="share" x="2" y="3" \
            width="\(100 * Double(count.train) / most)" height="8" rx="2"/></svg></td></tr>

            """
        }
        let table: HTML =
            rows.isEmpty
            ? .empty
            : """
            <div class="scroll"><table>
            <thead><tr><th scope="col">label</th><th scope="col">train</th><th scope="col">share</th>\
            <th scope="col">dev</th><td></td></tr></thead>
            <tbody>
            \(rows)</tbody>
            </table></div>

            """
        return section("Data", "\(list(data))\(table)")
    }

    var settings: HTML {
        """
        <div class="columns">
        \(section("Recipe", list(recipe)))\(section("Machine", list(machine)))</div>

        """
    }

    // MARK: Elements

    func section(_ title: String, _ content: HTML) -> HTML {
        "<section>\n<h2>\(title)</h2>\n\(content)</section>\n"
    }

    func figure(_ title: String, _ content: HTML) -> HTML {
        "<figure>\n<figcaption>\(title)</figcaption>\n\(content)\n</figure>\n"
    }

    private func list(_ facts: [Fact]) -> HTML {
        let items = facts.map { fact -> HTML in "<dt>\(fact.name)</dt><dd><bdi>\(fact.value)</bdi></dd>\n" }
        return items.isEmpty ? .empty : "<dl>\n\(items)</dl>\n"
    }

    func percent(_ share: Double) -> String { fixed(100 * share, 1) }

    static func range(_ estimate: DevAnalysis.Estimate) -> String {
        let (low, high) = (estimate.interval.lowerBound, estimate.interval.upperBound)
        return estimate.isShare
            ? "\(fixed(100 * low, 1)) to \(fixed(100 * high, 1))" : "\(fixed(low, 3)) to \(fixed(high, 3))"
    }
}
