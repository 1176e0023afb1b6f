/// How often each given label was predicted as each: rows are given labels, columns predicted ones.
package struct ConfusionMatrixChart: Equatable, Sendable {
    let labels: [String]
    /// `[given][predicted]`
    let counts: [[Int]]

    package init(labels: [String], counts: [[Int]]) {
        self.labels = labels
        self.counts = counts
    }

    /// Cells are numbered where there are few; of many labels only the colours show, and the cell under the pointer
    /// says what it is.
    private var isNumbered: Bool { labels.count <= 10 }
    private var cell: Double { isNumbered ? max(34, 300 / Double(labels.count)) : max(5, 420 / Double(labels.count)) }
    /// Room for the names, which are drawn where there are at most 40.
    private var left: Double {
        guard labels.count <= 40 else { return 22 }
        return 36 + 7.2 * Double(labels.map { Self.short($0).count }.max() ?? 0)
    }
    private var top: Double { labels.count <= 4 ? 40 : labels.count <= 40 ? 8 + 0.87 * left : 22 }

    package var svg: HTML {
        let side = cell * Double(labels.count)
        let (width, height) = (left + side + 6, top + side + 6)
        let cells = labels.indices.flatMap { row in labels.indices.map { drawing(row, $0) } }
        return """
            <svg class="confusion" viewBox="0 0 \(width) \(height)" role="img" aria-label="\(description)" \
            style="max-width:\(Int(width * 1.25))px">
            <text class="name" x="\(left + side / 2)" y="12" text-anchor="middle">predicted</text>
            <text class="name" transform="translate(12 \(top + side / 2)) rotate(-90)" text-anchor="middle">given</text>
            \(names)\(cells)</svg>
            """
    }

    private var names: [HTML] {
        guard labels.count <= 40 else { return [] }
        return labels.enumerated().map { index, label in
            let place = cell * (Double(index) + 0.5)
            let short = Self.short(label)
            return """
                <text class="tick" x="\(left - 6)" y="\(top + place + 4)" text-anchor="end">\(short)</text>\
                <text class="tick" transform="translate(\(left + place + 4) \(top - 6)) rotate(-\(labels.count <= 4 ? 0 : 60))" \
                text-anchor="\(labels.count <= 4 ? "middle" : "start")">\(short)</text>

                """
        }
    }

    private func drawing(_ row: Int, _ column: Int) -> HTML {
        let count = counts[row][column]
        if count == 0, !isNumbered { return .empty }
        let share = Double(count) / Double(max(1, counts[row].reduce(0, +)))
        let (x, y) = (left + cell * Double(column), top + cell * Double(row))
        let kind: HTML = row == column ? "right" : "wrong"
        let number: HTML =
            isNumbered
            ? """
            <text class="count\(share > 0.55 ? " on" : "")" x="\(x + cell / 2)" y="\(y + cell / 2 + 5)" \
            text-anchor="middle">\(count)</text>
            """ : .empty
        return """
            <g><title>given \(labels[row]), predicted \(labels[column]): \(count) (\(fixed(100 * share, 1)) %)</title>\
            <rect class="cell" x="\(x)" y="\(y)" width="\(cell)" height="\(cell)"/>\
            <rect class="cell \(kind)" x="\(x)" y="\(y)" width="\(cell)" height="\(cell)" \
            fill-opacity="\(count == 0 ? 0 : 0.08 + 0.92 * share)"/>\(number)</g>

            """
    }

    private var description: String {
        let right = labels.indices.reduce(0) { $0 + counts[$1][$1] }
        let all = counts.reduce(0) { $0 + $1.reduce(0, +) }
        return "Confusion matrix of \(labels.count) labels: \(right) of \(all) examples on the diagonal"
    }

    private static func short(_ label: String) -> String { label.count <= 16 ? label : "\(label.prefix(15))…" }
}
