import Glibc
public import Tensors

/// How alike two vectors are, by sentence-transformers' names: of distances, their negatives.
public enum Similarity: String, Codable, Sendable, CaseIterable {
    case cosine
    case dot
    case euclidean
    case manhattan

    /// Of every row and its counterpart.
    ///
    /// - Parameters:
    ///   - a: `[rows, columns]`
    ///   - b: of the same shape.
    public func ofRows(_ a: Tensor, _ b: Tensor) -> [Float] { RowSimilarities(self, a, b).values }
}

/// The similarities of rows and their counterparts, with both passes.
struct RowSimilarities {
    let values: [Float]
    private let kind: Similarity
    private let sides: Sides

    private enum Sides {
        case unit(UnitRows, UnitRows)
        case plain(Tensor, Tensor)
    }

    init(_ kind: Similarity, _ a: Tensor, _ b: Tensor) {
        self.kind = kind
        switch kind {
        case .cosine:
            let (a, b) = (UnitRows(a), UnitRows(b))
            values = a.rows.rowProducts(b.rows)
            sides = .unit(a, b)
        case .dot:
            values = a.rowProducts(b)
            sides = .plain(a, b)
        case .euclidean, .manhattan:
            values = parallelMap(a.rows) { row in
                let (a, b) = (a.row(row), b.row(row))
                var sum = 0.0
                for (x, y) in zip(a, b) {
                    let difference = Double(x - y)
                    sum += kind == .euclidean ? difference * difference : abs(difference)
                }
                return Float(kind == .euclidean ? -sum.squareRoot() : -sum)
            }
            sides = .plain(a, b)
        }
    }

    /// - Parameter gradient: by each similarity.
    func backward(_ gradient: [Float]) -> (a: Tensor, b: Tensor) {
        switch sides {
        case .unit(let a, let b):
            let factors = Tensor([gradient.count], gradient)
            return (a.backward(b.rows.scaledEachRow(by: factors)), b.backward(a.rows.scaledEachRow(by: factors)))
        case .plain(let a, let b) where kind == .dot:
            let factors = Tensor([gradient.count], gradient)
            return (b.scaledEachRow(by: factors), a.scaledEachRow(by: factors))
        case .plain(let a, let b):
            var change = a
            change.mutate { change in
                for row in 0..<a.rows {
                    // Where both are one place there is no direction.
                    let factor = kind == .manhattan ? gradient[row] : values[row] == 0 ? 0 : gradient[row] / values[row]
                    for i in row * a.columns..<(row + 1) * a.columns {
                        let difference = change[i] - b.values[i]
                        change[i] =
                            factor * (kind == .euclidean ? difference : difference == 0 ? 0 : difference > 0 ? -1 : 1)
                    }
                }
            }
            var other = change
            other.scale(by: -1)
            return (change, other)
        }
    }
}
