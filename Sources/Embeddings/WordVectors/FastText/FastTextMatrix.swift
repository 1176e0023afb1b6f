import Tensors

/// A matrix of a fastText model: numbers as they are, or a code for every part of a row.
enum FastTextMatrix: Sendable {
    case dense(StoredRows)
    case quantized(QuantizedRows)

    var count: Int {
        switch self {
        case .dense(let rows): rows.rows
        case .quantized(let rows): rows.count
        }
    }

    var columns: Int {
        switch self {
        case .dense(let rows): rows.columns
        case .quantized(let rows): rows.columns
        }
    }

    /// Adds rows to a sum, one after the other.
    func add(_ rows: [Int32], to sum: inout [Float]) {
        switch self {
        case .dense(let matrix): matrix.add(rows, to: &sum)
        case .quantized(let matrix): for row in rows { matrix.add(Int(row), to: &sum) }
        }
    }

    /// The mean of rows; zeros without any.
    func mean(_ rows: [Int32]) -> [Float] {
        var sum = [Float](repeating: 0, count: columns)
        add(rows, to: &sum)
        let factor = 1 / Float(max(1, rows.count))
        for i in sum.indices { sum[i] *= factor }
        return sum
    }
}

/// Rows as codes of a product quantizer: each part of a row is one of 256 centroids, and where the model was made so, a
/// factor of its own is another.
///
/// Source: Joulin et al. 2016, "FastText.zip: Compressing text classification models", §3; fastText 0.9.2,
/// `ProductQuantizer` and `QMatrix`.
struct QuantizedRows: Sendable {
    struct Quantizer: Sendable {
        /// Numbers of a part, and of the last one.
        let width: Int
        let lastWidth: Int
        let parts: Int
        /// `256` centroids a part: f32.
        let centroids: BorrowedBytes

        static let centroidCount = 256

        /// The first byte of a centroid.
        func place(_ part: Int, _ code: UInt8) -> Int {
            let first = part * Self.centroidCount * width
            return 4 * (first + Int(code) * (part == parts - 1 ? lastWidth : width))
        }
    }

    let count: Int
    let columns: Int
    let quantizer: Quantizer
    let codes: BorrowedBytes
    /// The factors' codes and centroids.
    let norms: (codes: BorrowedBytes, quantizer: Quantizer)?

    func add(_ row: Int, to sum: inout [Float]) {
        let factor = norms.map { norms in
            let code = norms.codes.load(UInt8.self, at: row)
            return norms.quantizer.centroids.load(Float.self, at: norms.quantizer.place(0, code))
        }
        for part in 0..<quantizer.parts {
            let code = codes.load(UInt8.self, at: row * quantizer.parts + part)
            let place = quantizer.place(part, code)
            let width = part == quantizer.parts - 1 ? quantizer.lastWidth : quantizer.width
            for i in 0..<width {
                sum[part * quantizer.width + i] +=
                    (factor ?? 1) * quantizer.centroids.load(Float.self, at: place + 4 * i)
            }
        }
    }
}
