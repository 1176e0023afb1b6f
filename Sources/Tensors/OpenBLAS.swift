import COpenBLAS

/// Matrix products by OpenBLAS: any processor, any architecture.
enum OpenBLAS {
    static let reasonUnavailable: String? = unsafe copenblas_load().map { unsafe String(cString: $0) }

    static var details: String { unsafe String(cString: copenblas_configuration()) }

    @unsafe
    static func compute(
        _ product: MatrixProduct, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, bias: UnsafePointer<Float>?,
        _ c: UnsafeMutablePointer<Float>
    ) {
        precondition(!product.isPacked && product.precision == .f32, "OpenBLAS reads plain matrices of floats")
        let (a, b) = unsafe (a.assumingMemoryBound(to: Float.self), b.assumingMemoryBound(to: Float.self))
        if let bias = unsafe bias {
            precondition(!product.accumulates, "a bias goes with a new result")
            for row in 0..<product.rows {
                unsafe (c + row * product.c.rowStride).update(from: bias, count: product.columns)
            }
        }
        unsafe copenblas_sgemm(
            product.a.isTransposed ? 1 : 0, product.b.isTransposed ? 1 : 0, Int64(product.rows),
            Int64(product.columns), Int64(product.depth), a,
            Int64(product.a.leadingDimension(columns: product.depth)), b,
            Int64(product.b.leadingDimension(columns: product.columns)), product.accumulates || product.hasBias ? 1 : 0,
            c,
            Int64(product.c.rowStride))
    }
}

extension OpenBLAS {
    /// `C = A·Bᵀ + bias (+ C)` with `B` as `[columns, depth]`.
    @unsafe
    static func addProduct(
        rows: Int, columns: Int, depth: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        bias: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, accumulates: Bool
    ) {
        for row in 0..<rows {
            let row = unsafe c + row * columns
            for i in 0..<columns { unsafe row[i] = accumulates ? row[i] + bias[i] : bias[i] }
        }
        unsafe copenblas_sgemm(
            0, 1, Int64(rows), Int64(columns), Int64(depth), a, Int64(depth), b, Int64(depth), 1, c,
            Int64(columns))
    }
}

extension MatrixLayout {
    fileprivate var isTransposed: Bool { columnStride != 1 }

    /// A transposed column lies like a row, whose stride says nothing, but OpenBLAS wants one as long as the row.
    fileprivate func leadingDimension(columns: Int) -> Int { isTransposed ? columnStride : max(rowStride, columns) }
}
