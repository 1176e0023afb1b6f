import Glibc
public import Tensors

/// The similarities of pairs are to be in the order of their scores:
/// `log(1 + Σ exp(scale · (s_j - s_i)))` over all pairs of examples of which `i` has the higher score.
///
/// Sources: Su 2022, "CoSENT"; with the difference of angles for the similarity, Li and Li 2024, "AnglE-optimized Text
/// Embeddings", §3.3, as sentence-transformers has it.
public struct CoSENTLoss: SentenceLoss {
    public enum Measure: Sendable {
        case cosine
        /// AnglE's.
        case angle
    }

    public var scale: Double
    public var measure: Measure

    public init(scale: Double = 20, measure: Measure = .cosine) {
        self.scale = scale
        self.measure = measure
    }

    /// - Parameter columns: both texts of pairs, with scores; or with AnglE anchors, positives and further columns of
    ///   negatives, without scores.
    public func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult {
        if columns.count > 2 { return evaluateTuples(columns) }
        switch measure {
        case .cosine:
            let similarities = RowSimilarities(.cosine, columns[0], columns[1])
            let (loss, gradient) = order(similarities.values, targets.scores)
            let (a, b) = similarities.backward(gradient)
            return (loss, [a, b])
        case .angle:
            let similarities = AngleSimilarities(columns[0], columns[1])
            let (loss, gradient) = order(similarities.values, targets.scores)
            let (a, b) = similarities.backward(gradient)
            return (loss, [a, b])
        }
    }

    /// Anchors with their positives score 1, with their negatives 0.
    private func evaluateTuples(_ columns: [Tensor]) -> SentenceLossResult {
        let count = columns[0].rows
        let others = columns.count - 1
        let scores = (0..<others).flatMap { [Float](repeating: $0 == 0 ? 1 : 0, count: count) }
        let (loss, gradients) = evaluate(
            [Tensor(rows: Array(repeating: columns[0], count: others)), Tensor(rows: Array(columns.dropFirst()))],
            .scores(scores))
        func part(_ tensor: Tensor, _ index: Int) -> Tensor { tensor.rows(index * count..<(index + 1) * count) }
        let anchors = (1..<others).reduce(part(gradients[0], 0)) { $0 + part(gradients[0], $1) }
        return (loss, [anchors] + (0..<others).map { part(gradients[1], $0) })
    }

    /// - Returns: the loss, and its gradient by the similarities.
    private func order(_ similarities: [Float], _ scores: [Float]) -> (loss: Double, gradient: [Float]) {
        let scaled = similarities.map { Double($0) * scale }
        let count = scores.count
        var largest = 0.0
        for i in 0..<count {
            for j in 0..<count where scores[i] > scores[j] { largest = max(largest, scaled[j] - scaled[i]) }
        }
        var sum = exp(-largest)
        var gradient = [Double](repeating: 0, count: count)
        for i in 0..<count {
            for j in 0..<count where scores[i] > scores[j] {
                let term = exp(scaled[j] - scaled[i] - largest)
                sum += term
                gradient[j] += term
                gradient[i] -= term
            }
        }
        return (largest + log(sum), gradient.map { Float($0 * scale / sum) })
    }
}

/// `|cos + sin|` of the angle between vectors that are read as complex numbers, their first halves being the real parts.
private struct AngleSimilarities {
    let values: [Float]
    private let a: UnitRows
    private let b: UnitRows
    /// Before the absolute value.
    private let sums: [Float]

    init(_ a: Tensor, _ b: Tensor) {
        self.a = UnitRows(a)
        self.b = UnitRows(b)
        let turned = Self.turned(self.b.rows, by: -1)
        sums = self.a.rows.rowProducts(turned)
        values = sums.map(abs)
    }

    func backward(_ gradient: [Float]) -> (a: Tensor, b: Tensor) {
        let factors = Tensor([gradient.count], zip(gradient, sums).map { $1 == 0 ? 0 : $1 > 0 ? $0 : -$0 })
        return (
            a.backward(Self.turned(b.rows, by: -1).scaledEachRow(by: factors)),
            b.backward(Self.turned(a.rows, by: 1).scaledEachRow(by: factors))
        )
    }

    /// `x + sign · rotated(x)`: the matrix between both sides of the sum of cosine and sine, and for 1 its transpose. An
    /// odd number of columns is filled up with a zero.
    private static func turned(_ rows: Tensor, by sign: Float) -> Tensor {
        let columns = rows.columns
        let half = (columns + 1) / 2
        var result = rows
        result.mutate { values in
            for start in stride(from: 0, to: values.count, by: max(1, columns)) {
                for i in 0..<half {
                    let real = rows.values[start + i]
                    let imaginary = half + i < columns ? rows.values[start + half + i] : 0
                    values[start + i] = real + sign * imaginary
                    if half + i < columns { values[start + half + i] = imaginary - sign * real }
                }
            }
        }
        return result
    }
}
