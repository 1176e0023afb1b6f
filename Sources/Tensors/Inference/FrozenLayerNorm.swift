/// Layer normalization, or root mean square normalization, with weights that do not change.
///
/// Sources: Ba, Kiros and Hinton 2016, "Layer Normalization", §3; Zhang and Sennrich 2019, "Root Mean Square Layer
/// Normalization", §4.
public struct FrozenLayerNorm: Sendable {
    let weight: [Float]
    let bias: [Float]
    let epsilon: Float
    /// Whether the mean is taken off first.
    let isCentered: Bool
    /// Of the columns for the product that reads the rows; see `Activations.convert`.
    let factors: [Float]?

    /// - Parameters: `weight` and `bias` are `[size]`, no bias is zero; without `isCentered` it is root mean square
    ///   normalization; `factors` are those that the next product was made with.
    public init(
        weight: Tensor, bias: Tensor?, epsilon: Float, isCentered: Bool = true, factors: [Float]? = nil
    ) {
        let bias = bias ?? .zeros(weight.shape)
        precondition(weight.count == bias.count, "\(weight.shape), \(bias.shape)")
        self.weight = weight.values
        self.bias = bias.values
        self.epsilon = epsilon
        self.isCentered = isCentered
        self.factors = factors
    }

    /// The row kernels trust this.
    func check(columns: Int) {
        precondition(
            weight.count == columns && (factors?.count ?? columns) == columns,
            "a normalization of \(weight.count) values for rows of \(columns)")
    }

    /// Normalizes a row in place.
    @unsafe @inline(__always)
    func apply(to row: UnsafeMutablePointer<Float>) {
        let count = weight.count
        let values = unsafe UnsafeBufferPointer(start: row, count: count)
        if isCentered {
            let mean = unsafe sum(values) / Float(count)
            for i in 0..<count { unsafe row[i] -= mean }
        }
        let variance = unsafe dot(values, values) / Float(count)
        let factor = 1 / (variance + epsilon).squareRoot()
        unsafe weight.withUnsafeBufferPointer { weight in
            unsafe bias.withUnsafeBufferPointer { bias in
                for i in 0..<count { unsafe row[i] = multiplyAdd(row[i] * factor, weight[i], bias[i]) }
            }
        }
    }
}

extension Activations {
    /// Becomes the rows of another, normalized where a normalization is given, in the form that the next product reads.
    public func normalize(_ source: Activations, by norm: FrozenLayerNorm?) {
        precondition(columns == source.columns, "\(source.columns) columns into \(columns)")
        norm?.check(columns: columns)
        let count = source.rows
        resize(count)
        let part = 64
        ThreadPool.shared.run((count + part - 1) / part) { block in
            for row in block * part..<min(count, (block + 1) * part) {
                unsafe normalize(row, from: source, by: norm)
            }
        }
    }

    /// One row of the same; the other may be these rows themselves.
    @unsafe @inline(__always)
    func normalize(_ row: Int, from source: Activations, by norm: FrozenLayerNorm?) {
        let target = unsafe values[row]
        if source !== self { unsafe target.update(from: source.values[row], count: columns) }
        unsafe norm?.apply(to: target)
        unsafe convert(row, from: UnsafePointer(target), factors: norm?.factors)
    }

    /// The sum of one row of each table, normalized where a normalization is given: what an encoder's embeddings are.
    ///
    /// - Parameter rows: for every table the row of each token.
    public func embed(_ tables: [StoredTensor], _ rows: [[Int32]], normalizedBy norm: FrozenLayerNorm?) {
        sumRows(tables, rows, adds: false, count: rows[0].count, normalizedBy: norm)
    }

    /// The same, added to the rows that are there.
    public func add(_ tables: [StoredTensor], _ rows: [[Int32]], normalizedBy norm: FrozenLayerNorm?) {
        if tables.isEmpty, norm == nil { return }
        sumRows(tables, rows, adds: true, count: self.rows, normalizedBy: norm)
    }

    private func sumRows(
        _ tables: [StoredTensor], _ rows: [[Int32]], adds: Bool, count: Int, normalizedBy norm: FrozenLayerNorm?
    ) {
        norm?.check(columns: columns)
        for (table, rows) in zip(tables, rows) {
            precondition(table.columns == columns && rows.count == count, "\(table.shape), \(rows.count) rows")
            precondition(rows.allSatisfy { (0..<Int32(table.rows)).contains($0) }, "row outside \(table.shape)")
        }
        resize(count)
        let part = 64
        ThreadPool.shared.run((count + part - 1) / part) { block in
            for row in block * part..<min(count, (block + 1) * part) {
                let target = unsafe values[row]
                for index in tables.indices {
                    unsafe tables[index].withRow(Int(rows[index][row])) { values in
                        let source = values.baseAddress!
                        if index == 0, !adds {
                            unsafe target.update(from: source, count: columns)
                        } else {
                            for i in 0..<columns { unsafe target[i] += source[i] }
                        }
                    }
                }
                unsafe normalize(row, from: self, by: norm)
            }
        }
    }
}
