import COneDNN

/// `C = A·B (+ C) (+ bias)`, described by sizes and strides in elements.
///
/// The columns of `C` are contiguous; one of the strides of `A` and of `B` is 1.
struct MatrixProduct: Hashable {
    var rows: Int
    var columns: Int
    var depth: Int
    var a: MatrixLayout
    var b: MatrixLayout
    var c: MatrixLayout
    var hasBias = false
    var accumulates = false
    var isPacked = false
    /// Of the numbers of `A` and `B`; integers are summed as such, all else in f32.
    var precision = Precision.f32
}

/// How a matrix of a product lies in memory.
struct MatrixLayout: Hashable {
    var rowStride: Int
    var columnStride = 1
}

extension MatrixEngine {
    /// Computes a product on the calling thread.
    @unsafe
    func compute(
        _ product: MatrixProduct, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, bias: UnsafePointer<Float>?,
        _ c: UnsafeMutablePointer<Float>
    ) {
        if product.rows == 0 || product.columns == 0 { return }
        switch self {
        case .oneDNN: unsafe OneDNN.compute(product, a, b, bias: bias, c)
        case .openBLAS: unsafe OpenBLAS.compute(product, a, b, bias: bias, c)
        }
    }

    /// Rows of one call, when a product's `rows` are split. A oneDNN primitive is compiled for its number of rows, and
    /// few rows already run at full speed, fewer where the right-hand side is packed; a product of few rows is split
    /// finer, so that all threads have a part, and the same one where a block's size changes no bit.
    func rowsPerBlock(_ rows: Int, isPacked: Bool) -> Int {
        guard self == .oneDNN else { return 128 }
        let most = rows <= 32 ? 8 : rows <= 128 ? 16 : isPacked && rows <= 512 ? 32 : 64
        guard hasIndependentRows, rows > 0 else { return most }
        let threads = ThreadPool.shared.threads
        let shares = (rows + threads * most - 1) / (threads * most) * threads
        // Few sizes are few primitives.
        return min(most, (rows + 4 * shares - 1) / (4 * shares) * 4)
    }

    /// Whether a row of a product is the same bits whatever rows stand beside it. OpenBLAS, and oneDNN without AVX-512,
    /// compute a row by another kernel at another place, so that their rows agree to rounding.
    package var hasIndependentRows: Bool { self == .oneDNN && OneDNN.has(conednn_avx512) }

    /// The parts in which a sum over `depth` is computed: whole blocks, whole groups of 32, and the rest. So products of
    /// any depth need few different primitives.
    func depthParts(_ depth: Int) -> [Range<Int>] {
        let block = 512
        var parts = stride(from: 0, to: depth / block * block, by: block).map { $0..<$0 + block }
        for end in [depth / 32 * 32, depth] {
            let start = parts.last?.upperBound ?? 0
            if end > start { parts.append(start..<end) }
        }
        return parts
    }
}
