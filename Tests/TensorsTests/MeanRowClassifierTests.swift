import Glibc
import Tensors
import Testing

@Suite("MeanRowClassifier")
struct MeanRowClassifierTests {
    /// A text may have a row twice.
    private static let texts: [[Int32]] = [[0, 3, 3], [1], [2, 4, 0, 5]]
    private static let labels: [MeanRowClassifier.Loss: [[Int32]]] = [
        .softmax: [[2], [0], [1]], .oneVersusAll: [[0, 2], [], [1]],
    ]

    private func lists(_ values: [[Int32]]) -> IndexLists {
        var lists = IndexLists()
        for value in values { lists.append(value) }
        return lists
    }

    private func make(_ loss: MeanRowClassifier.Loss) -> MeanRowClassifier {
        let input = RowTable(rows: 6, columns: 5)
        input.fillUniformly(limit: 1, seed: 3)
        let classifier = MeanRowClassifier(loss, input: input, labels: 3)
        classifier.output.fillUniformly(limit: 1, seed: 4)
        return classifier
    }

    private func loss(
        _ kind: MeanRowClassifier.Loss, _ text: Int, _ input: [[Double]], _ output: [[Double]]
    ) -> Double {
        let rows = Self.texts[text].map { input[Int($0)] }
        let hidden = (0..<5).map { column in rows.reduce(0) { $0 + $1[column] } / Double(rows.count) }
        let logits = output.map { row in zip(row, hidden).reduce(0) { $0 + $1.0 * $1.1 } }
        let labels = Self.labels[kind]![text].map { Int($0) }
        switch kind {
        case .softmax: return log(logits.reduce(0) { $0 + exp($1) }) - logits[labels[0]]
        case .oneVersusAll:
            return logits.indices.reduce(0) { $0 + log(1 + exp(labels.contains($1) ? -logits[$1] : logits[$1])) }
        }
    }

    @Test(
        "what rows and weights get is the gradient of the loss by central differences",
        arguments: [MeanRowClassifier.Loss.softmax, .oneVersusAll], [0, 1, 2])
    func gradients(kind: MeanRowClassifier.Loss, text: Int) {
        let classifier = make(kind)
        func values(_ table: RowTable) -> [[Double]] { (0..<table.rows).map { table.row($0).map { Double($0) } } }
        let (input, output) = (values(classifier.input), values(classifier.output))
        let rate = 1e-2
        let found = classifier.learn(
            [text], texts: lists(Self.texts), labels: lists(Self.labels[kind]!), rate: Float(rate), decay: 0)
        let expected = loss(kind, text, input, output) / (kind == .oneVersusAll ? 3 : 1)
        #expect(abs(found - expected) < 1e-5)
        let step = 1e-5
        func check(_ before: [[Double]], _ after: [[Double]], _ loss: ([[Double]]) -> Double) {
            for row in before.indices {
                for column in 0..<5 {
                    var (up, down) = (before, before)
                    up[row][column] += step
                    down[row][column] -= step
                    let slope = (loss(up) - loss(down)) / (2 * step)
                    #expect(abs((before[row][column] - after[row][column]) / rate - slope) < 1e-4)
                }
            }
        }
        check(input, values(classifier.input)) { loss(kind, text, $0, output) }
        check(output, values(classifier.output)) { loss(kind, text, input, $0) }
    }

    @Test("the rate falls with each example, texts without rows included; logits are those of the means")
    func ratesAndLogits() {
        let texts = lists([[0, 3, 3], [], [2, 4, 0, 5]])
        let labels = lists(Self.labels[.softmax]!)
        let (once, twice) = (make(.softmax), make(.softmax))
        _ = once.learn(0..<3, texts: texts, labels: labels, rate: 0.5, decay: 0.125)
        _ = twice.learn([0], texts: texts, labels: labels, rate: 0.5, decay: 0)
        _ = twice.learn([2], texts: texts, labels: labels, rate: 0.25, decay: 0)
        let logits = once.logits(texts)
        #expect(logits == twice.logits(texts) && logits.shape.dimensions == [3, 3])
        #expect(logits.row(1).allSatisfy { $0 == 0 })
        let mean = (0..<5).map { (once.input.row(0)[$0] + 2 * once.input.row(3)[$0]) / 3 }
        for (found, expected) in zip(logits.row(0), once.output.products(with: mean)) {
            #expect(abs(found - expected) < 1e-6)
        }
    }
}
