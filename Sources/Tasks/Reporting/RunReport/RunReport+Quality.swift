import Tensors

/// What the report says of the model's answers.
extension RunReport {
    // MARK: Labels and numbers

    var quality: HTML {
        guard let analysis else { return .empty }
        switch analysis.metrics {
        case .classification(let metrics):
            let matrix = ConfusionMatrixChart(labels: metrics.labels, counts: metrics.confusion).svg
            return section(
                "Labels",
                """
                \(labelTable(analysis))<div class="charts">
                \(figure("Confusion matrix", matrix))\(confusions(metrics))</div>

                """)
        case .multiLabel:
            return section(
                "Labels",
                """
                \(labelTable(analysis))<div class="charts">
                \(figure("By the score from which on labels are given", thresholdChart(analysis).html))</div>

                """)
        case .regression:
            guard case .values(let values) = analysis.targets else { return .empty }
            let charts = analysis.labels.enumerated().map { column, label -> HTML in
                let places = (0..<values.rows).map { $0 * values.columns + column }
                let chart = ScatterChart(
                    given: places.map { Double(values.values[$0]) },
                    predicted: places.map { Double(analysis.scores.values[$0]) })
                return figure(analysis.labels.count == 1 ? "Predicted and given numbers" : label, chart.svg)
            }
            return section("Numbers", "<div class=\"charts\">\n\(Array(charts.prefix(6)))</div>\n")
        case .entities, .sentences: return .empty
        }
    }

    /// Of a tagger: how well entities of each type are found.
    var entityTable: HTML {
        guard let entities else { return .empty }
        let rows = zip(entities.types, entities.perType).map { type, counts -> HTML in
            """
            <tr><th scope="row"><bdi>\(type)</bdi></th><td>\(counts.support)</td><td>\(percent(counts.precision))</td>\
            <td>\(percent(counts.recall))</td><td>\(percent(counts.f1))</td></tr>

            """
        }
        return section(
            "Entities",
            """
            <div class="scroll"><table>
            <thead><tr><th scope="col">entity</th><th scope="col">given</th><th scope="col">precision</th>\
            <th scope="col">recall</th><th scope="col">F1</th></tr></thead>
            <tbody>
            \(rows)</tbody>
            </table></div>
            <p class="small">Percent. An entity is right where its type and both its ends are.</p>

            """)
    }

    private func labelTable(_ analysis: DevAnalysis) -> HTML {
        let rows = (estimates?.perLabel ?? []).map { label -> HTML in
            """
            <tr><th scope="row"><bdi>\(label.label)</bdi></th><td>\(label.support)</td>\(cell(label.precision))\
            \(cell(label.recall))\(cell(label.f1))<td>\(bar(label.f1))</td></tr>

            """
        }
        return """
            <div class="scroll"><table>
            <thead><tr><th scope="col">label</th><th scope="col">examples</th><th scope="col">precision</th>\
            <th scope="col">recall</th><th scope="col">F1</th><td></td></tr></thead>
            <tbody>
            \(rows)</tbody>
            </table></div>
            <p class="small">Percent, with the range that holds the number with a confidence of 95 %: Wilson's for \
            precision and recall, the bootstrap's for F1.</p>

            """
    }

    private func cell(_ estimate: DevAnalysis.Estimate) -> HTML {
        "<td>\(percent(estimate.value)) <small>\(Self.range(estimate))</small></td>"
    }

    private func bar(_ estimate: DevAnalysis.Estimate) -> HTML {
        IntervalBar(value: estimate.value, interval: estimate.interval).svg
    }

    /// The pairs of labels that are mixed up most.
    private func confusions(_ metrics: ClassificationMetrics) -> HTML {
        let cells = metrics.labels.indices.flatMap { row in
            metrics.labels.indices.filter { $0 != row && metrics.confusion[row][$0] > 0 }.map { (row, $0) }
        }
        let worst = cells.sorted {
            (metrics.confusion[$1.0][$1.1], $0.0, $0.1) < (metrics.confusion[$0.0][$0.1], $1.0, $1.1)
        }.prefix(8)
        guard !worst.isEmpty else { return .empty }
        let rows = worst.map { row, column -> HTML in
            """
            <tr><td><bdi>\(metrics.labels[row])</bdi></td><td><bdi>\(metrics.labels[column])</bdi></td>\
            <td>\(metrics.confusion[row][column])</td></tr>

            """
        }
        return figure(
            "Most often confused",
            """
            <table class="texts">
            <thead><tr><th scope="col">given</th><th scope="col">predicted</th><th scope="col">examples</th></tr></thead>
            <tbody>
            \(rows)</tbody>
            </table>
            """)
    }

    private func thresholdChart(_ analysis: DevAnalysis) -> LineChart {
        let curve = analysis.thresholdCurve
        func series(_ name: String, _ number: (MultiLabelMetrics.Counts) -> Double) -> LineChart.Series {
            LineChart.Series(name: name, points: curve.map { LineChart.Point(x: $0.threshold, y: number($0.counts)) })
        }
        var chart = LineChart(
            xTitle: "threshold", yTitle: "all labels together",
            series: [series("F1", \.f1), series("precision", \.precision), series("recall", \.recall)], yRange: 0...1)
        if let best = curve.max(by: { $0.counts.f1 < $1.counts.f1 }) {
            let point = LineChart.Point(x: best.threshold, y: best.counts.f1)
            chart.mark = LineChart.Mark(point, "best F1 \(fixed(best.counts.f1, 3)) at \(fixed(best.threshold, 2))")
        }
        return chart
    }

    // MARK: Scores

    var calibration: HTML {
        guard let analysis, let reliability = analysis.reliability else { return .empty }
        let chart = ReliabilityDiagram(raw: reliability.raw, calibrated: reliability.calibrated).html
        var facts = [Fact("expected calibration error", fixed(reliability.raw.expectedCalibrationError, 4))]
        if let temperature = analysis.temperature, let calibrated = reliability.calibrated {
            facts += [
                Fact("with temperature scaling", fixed(calibrated.expectedCalibrationError, 4)),
                Fact("temperature", fixed(Double(temperature.temperature), 4)),
                Fact(
                    "loss before and after", "\(fixed(temperature.lossBefore, 4)), \(fixed(temperature.lossAfter, 4))"),
            ]
        }
        let items = facts.map { fact -> HTML in "<dt>\(fact.name)</dt><dd>\(fact.value)</dd>\n" }
        return section(
            "Calibration",
            """
            <div class="charts">
            \(figure("Reliability of scores", chart))<div>
            <dl>
            \(items)</dl>
            <p class="small">Points on the dashed line are scores that say how often they are right; the bars show how \
            many scores there are. The temperature was fitted to the dev set that it is measured on here: one number, \
            so the difference to new texts is small.</p>
            </div></div>

            """)
    }

    // MARK: Mistakes

    var mistakes: HTML {
        guard let analysis else { return .empty }
        let worst = analysis.mistakes(Self.shownMistakes)
        guard !worst.isEmpty else { return section("Worst mistakes", "<p>None on the dev set.</p>\n") }
        let isNumber = analysis.temperature == nil
        let rows = worst.map { mistake -> HTML in
            let text = devTexts[mistake.index]
            return """
                <tr><td>\(text.map { "\($0.line)" } ?? "\(mistake.index)")</td>\
                <td class="text" dir="auto">\(Self.shortened(text?.text ?? ""))\(pair(text))</td>\
                <td><bdi>\(mistake.given)</bdi></td><td><bdi>\(mistake.predicted)</bdi></td>\
                <td>\(fixed(mistake.score, 3))</td></tr>

                """
        }
        return section(
            "Worst mistakes",
            """
            <div class="scroll"><table class="texts">
            <thead><tr><th scope="col">line</th><th scope="col">text</th><th scope="col">given</th>\
            <th scope="col">predicted</th><th scope="col">\(isNumber ? "off by" : "score")</th></tr></thead>
            <tbody>
            \(rows)</tbody>
            </table></div>

            """)
    }

    private func pair(_ text: Text?) -> HTML {
        guard let pair = text?.pair else { return .empty }
        return "<br><span class=\"pair\" dir=\"auto\">\(Self.shortened(pair))</span>"
    }

    package static func shortened(_ text: String) -> String {
        text.unicodeScalars.count <= 400
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(399))) + "…"
    }
}
