extension StoredRows {
    /// Rows of a part of `products`.
    private static let rowsPerPart = 1024
    /// With more queries a matrix product is faster than reading every row for each of them.
    private static let fewQueries = 4
    /// Columns of a product, always the same, so that the engine prepares it once.
    private static let queriesPerProduct = 64

    /// Scalar products of rows with all queries, part by part, on all threads.
    ///
    /// - Parameters:
    ///   - queries: `[queries, columns]`
    ///   - rows: the rows that are multiplied.
    ///   - first: the first query of this part of `products`, `[rows, queries from there]`.
    /// - Returns: what `body` made of every part: for each group of queries, in the order of the rows.
    /// - Precondition: the values are f32.
    package func products<Result>(
        _ queries: Tensor, rows: Range<Int>,
        _ body: (_ first: Int, _ rows: Range<Int>, _ products: UnsafeBufferPointer<Float>) -> Result
    ) -> [[Result]] {
        precondition(element == .float32 && queries.columns == columns, "\(queries.shape) for \(columns) columns")
        let parts = (rows.count + Self.rowsPerPart - 1) / Self.rowsPerPart
        func range(_ part: Int) -> Range<Int> {
            let start = rows.lowerBound + part * Self.rowsPerPart
            return start..<min(rows.upperBound, start + Self.rowsPerPart)
        }
        if queries.rows <= Self.fewQueries {
            return [
                parallelMap(parts) { part in
                    let products = directProducts(range(part), queries)
                    return unsafe products.withUnsafeBufferPointer { unsafe body(0, range(part), $0) }
                }
            ]
        }
        return stride(from: 0, to: queries.rows, by: Self.queriesPerProduct).map { first in
            let group = queries.rows(first..<min(queries.rows, first + Self.queriesPerProduct))
            let missing = [Float](repeating: 0, count: (Self.queriesPerProduct - group.rows) * columns)
            let packed = PackedMatrix(
                Tensor([Self.queriesPerProduct, columns], group.values + missing).transposed)
            return parallelMap(parts) { part in
                let products = matmul(copy(range(part)), packed).columns(0..<group.rows)
                return unsafe products.values.withUnsafeBufferPointer { unsafe body(first, range(part), $0) }
            }
        }
    }

    /// The length of every row; see `length`.
    ///
    /// - Precondition: the values are f32.
    package func norms() -> [Float] {
        precondition(element == .float32, "norms of \(element)")
        let blocks = parallelMap((rows + Self.rowsPerPart - 1) / Self.rowsPerPart) { block in
            (block * Self.rowsPerPart..<min(rows, (block + 1) * Self.rowsPerPart)).map { row in
                unsafe withRow(row) { unsafe Float(length($0, count: columns)) }
            }
        }
        return Array(blocks.joined())
    }

    private func directProducts(_ range: Range<Int>, _ queries: Tensor) -> [Float] {
        let count = queries.rows
        return unsafe [Float](unsafeUninitializedCapacity: range.count * count) { products, initialized in
            unsafe queries.values.withUnsafeBufferPointer { queries in
                for (i, row) in range.enumerated() {
                    for query in 0..<count {
                        let product = unsafe withRow(row) {
                            unsafe dot($0, UnsafeRawPointer(queries.baseAddress! + query * columns), count: columns)
                        }
                        unsafe products.initializeElement(at: i * count + query, to: product)
                    }
                }
            }
            initialized = range.count * count
        }
    }

    /// Rows as a tensor of their own.
    ///
    /// - Precondition: the values are f32.
    package func copy(_ range: Range<Int>) -> Tensor {
        precondition(element == .float32 && range.lowerBound >= 0 && range.upperBound <= rows, "\(range) of \(rows)")
        return Tensor(
            [range.count, columns],
            unsafe [Float](unsafeUninitializedCapacity: range.count * columns) { values, initialized in
                guard let target = UnsafeMutableRawPointer(values.baseAddress) else { return }
                for (i, row) in range.enumerated() {
                    unsafe (target + 4 * i * columns).copyMemory(
                        from: storage.pointer + place(row), byteCount: 4 * columns)
                }
                initialized = range.count * columns
            })
    }

    @unsafe @inline(__always)
    private func withRow<Result>(_ row: Int, _ body: (UnsafeRawPointer) -> Result) -> Result {
        defer { withExtendedLifetime(storage) {} }
        return unsafe body(storage.pointer + place(row))
    }
}
