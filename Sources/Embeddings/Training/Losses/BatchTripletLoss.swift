import Glibc
public import Tensors

/// Triplets that are found in a batch of labelled texts: texts of one label are positives of one another, the others
/// negatives.
///
/// Sources: Hermans, Beyer and Leibe 2017, "In Defense of the Triplet Loss for Person Re-Identification", §2; of the
/// semi-hard ones Schroff, Kalenichenko and Philbin 2015, "FaceNet", §3.2; what counts how much is as in
/// sentence-transformers.
public struct BatchTripletLoss: SentenceLoss {
    public enum Mining: Sendable {
        /// All triplets with a loss count.
        case all
        /// For every text the farthest positive and the nearest negative.
        case hard
        /// The same with `log(1 + exp(d⁺ - d⁻))` in place of a margin.
        case hardSoftMargin
        /// For every pair of one label the nearest negative that is farther away, else the farthest.
        case semiHard
    }

    public var mining: Mining
    /// Euclidean or cosine.
    public var distance: VectorDistance
    public var margin: Double

    /// - Precondition: not the Manhattan distance.
    public init(_ mining: Mining, distance: VectorDistance = .euclidean, margin: Double = 5) {
        precondition(distance != .manhattan, "triplets of a batch have no Manhattan distance")
        self.mining = mining
        self.distance = distance
        self.margin = margin
    }

    /// - Parameter columns: the texts, with a label each.
    public func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult {
        let distances = DistanceMatrix(columns[0], distance)
        var sum = MinedTriplets(distances.values, targets.classes)
        let loss =
            switch mining {
            case .all: sum.all(margin: margin)
            case .hard:
                sum.hard {
                    max(0, $0 + margin)
                } slope: {
                    $0 + margin > 0 ? 1 : 0
                }
            case .hardSoftMargin:
                sum.hard {
                    $0 > 30 ? $0 : log1p(exp($0))
                } slope: {
                    1 / (1 + exp(-$0))
                }
            case .semiHard: sum.semiHard(margin: margin)
            }
        return (loss, [distances.backward(sum.gradient)])
    }
}

/// Triplets of a matrix of distances, and the gradient by these that they ask for.
private struct MinedTriplets {
    let distances: [[Double]]
    let labels: [Int]
    private(set) var gradient: [[Double]]
    private let count: Int

    init(_ distances: [[Double]], _ labels: [Int]) {
        self.distances = distances
        self.labels = labels
        count = labels.count
        gradient = distances.map { $0.map { _ in 0 } }
    }

    mutating func all(margin: Double) -> Double {
        var (sum, number) = (0.0, 0.0)
        var weights = gradient
        for anchor in 0..<count {
            for positive in 0..<count where positive != anchor && labels[positive] == labels[anchor] {
                for negative in 0..<count where labels[negative] != labels[anchor] {
                    let lack = distances[anchor][positive] - distances[anchor][negative] + margin
                    guard lack > 1e-16 else { continue }
                    sum += lack
                    number += 1
                    weights[anchor][positive] += 1
                    weights[anchor][negative] -= 1
                }
            }
        }
        gradient = weights.map { $0.map { $0 / max(number, 1) } }
        return sum / max(number, 1)
    }

    /// - Parameters:
    ///   - value: of the difference of both distances.
    ///   - slope: its derivative.
    mutating func hard(value: (Double) -> Double, slope: (Double) -> Double) -> Double {
        var sum = 0.0
        for anchor in 0..<count {
            let row = distances[anchor]
            let positive = (0..<count).filter { $0 != anchor && labels[$0] == labels[anchor] }.max { row[$0] < row[$1] }
            // Where all have the anchor's label, the farthest stands for a negative.
            let negative =
                (0..<count).filter { labels[$0] != labels[anchor] }.min { row[$0] < row[$1] }
                ?? (0..<count).max { row[$0] < row[$1] } ?? anchor
            let difference = (positive.map { row[$0] } ?? 0) - row[negative]
            sum += value(difference)
            let share = slope(difference) / Double(count)
            if let positive { gradient[anchor][positive] += share }
            gradient[anchor][negative] -= share
        }
        return sum / Double(count)
    }

    mutating func semiHard(margin: Double) -> Double {
        var pairs = 0.0
        var sum = 0.0
        var weights = gradient
        for anchor in 0..<count {
            let row = distances[anchor]
            let negatives = (0..<count).filter { labels[$0] != labels[anchor] }.sorted { row[$0] < row[$1] }
            for positive in 0..<count where positive != anchor && labels[positive] == labels[anchor] {
                pairs += 1
                let negative = negatives.first { row[$0] > row[positive] } ?? negatives.last
                let lack = row[positive] - (negative.map { row[$0] } ?? 0) + margin
                guard lack > 0 else { continue }
                sum += lack
                weights[anchor][positive] += 1
                if let negative { weights[anchor][negative] -= 1 }
            }
        }
        gradient = weights.map { $0.map { $0 / max(pairs, 1) } }
        return sum / max(pairs, 1)
    }
}

/// The distances of all rows from one another, with both passes.
private struct DistanceMatrix {
    let values: [[Double]]
    private let vectors: Tensor
    /// For the cosine.
    private let unit: UnitRows?

    init(_ vectors: Tensor, _ distance: VectorDistance) {
        unit = distance == .cosine ? UnitRows(vectors) : nil
        self.vectors = vectors
        let products = matmul(unit?.rows ?? vectors, (unit?.rows ?? vectors).transposed)
        let rows = vectors.rows
        let isCosine = unit != nil
        values = (0..<rows).map { i in
            (0..<rows).map { j in
                if isCosine { return 1 - Double(products.values[i * rows + j]) }
                var sum = 0.0
                for (x, y) in zip(vectors.row(i), vectors.row(j)) {
                    let difference = Double(x) - Double(y)
                    sum += difference * difference
                }
                return sum.squareRoot()
            }
        }
    }

    func backward(_ gradient: [[Double]]) -> Tensor {
        let rows = vectors.rows
        // Of `x_i - x_j`, from both places of a pair in the matrix.
        var factors = Tensor.zeros([rows, rows])
        var sums = [Float](repeating: 0, count: rows)
        factors.mutate { factors in
            for i in 0..<rows {
                for j in 0..<rows where i != j {
                    let both = gradient[i][j] + gradient[j][i]
                    let factor = unit != nil ? both : values[i][j] > 0 ? both / values[i][j] : 0
                    factors[i * rows + j] = -Float(factor)
                    sums[i] += Float(factor)
                }
            }
        }
        if let unit { return unit.backward(matmul(factors, unit.rows)) }
        var result = matmul(factors, vectors)
        result.add(vectors, rowsTimes: sums)
        return result
    }
}
