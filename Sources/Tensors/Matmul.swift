/// A matrix to be read with rows and columns exchanged; nothing is moved.
public struct TransposedTensor: Sendable {
    let tensor: Tensor
    var rows: Int { tensor.columns }
    var columns: Int { tensor.rows }
}

extension Tensor {
    public var transposed: TransposedTensor { TransposedTensor(tensor: self) }
}

/// A matrix in the layout and the precision that the engine reads fastest as the right-hand side of a product.
///
/// The layout does not depend on the left-hand side's rows, so weights are packed once and used for every batch.
public final class PackedMatrix: Sendable {
    /// Rows of the matrix, which is the depth of the product.
    public let depth: Int
    public let columns: Int
    public let precision: Precision
    private let layout: MatrixLayout
    private let storage: Storage

    private enum Storage: Sendable {
        case plain(Tensor)
        case packed(AlignedBuffer)
    }

    /// - Precondition: the precision is f32, or bf16 where that is available.
    public convenience init(_ matrix: TransposedTensor, _ precision: Precision = .f32) {
        self.init(
            matrix.tensor, depth: matrix.rows, columns: matrix.columns,
            MatrixLayout(rowStride: 1, columnStride: matrix.rows), precision)
    }

    /// - Precondition: the precision is f32, or bf16 where that is available.
    public convenience init(_ matrix: Tensor, _ precision: Precision = .f32) {
        self.init(
            matrix, depth: matrix.rows, columns: matrix.columns, MatrixLayout(rowStride: matrix.columns), precision)
    }

    private init(_ tensor: Tensor, depth: Int, columns: Int, _ layout: MatrixLayout, _ precision: Precision) {
        self.depth = depth
        self.columns = columns
        self.precision = precision
        self.layout = layout
        switch MatrixEngine.current {
        case .openBLAS: storage = .plain(tensor)
        case .oneDNN:
            let packer = OneDNN.packer(
                for: MatrixProduct(
                    rows: RowBlocks.largest, columns: columns, depth: depth, a: MatrixLayout(rowStride: depth),
                    b: layout, c: MatrixLayout(rowStride: columns), isPacked: true, precision: precision))
            let buffer = AlignedBuffer(byteCount: packer.packedSize)
            unsafe tensor.values.withUnsafeBufferPointer { values in
                unsafe packer.pack(values.baseAddress!, into: buffer.pointer)
            }
            storage = .packed(buffer)
        }
    }

    @unsafe
    fileprivate func withPointer(_ body: (UnsafeRawPointer, _ layout: MatrixLayout, _ isPacked: Bool) -> Void) {
        switch storage {
        case .plain(let matrix):
            unsafe matrix.values.withUnsafeBufferPointer { unsafe body($0.baseAddress!, layout, false) }
        case .packed(let buffer): unsafe body(buffer.pointer, layout, true)
        }
    }
}

/// `A·B (+ bias)`, `[m, k]·[k, n] → [m, n]`, summed in f32. Rows do not depend on one another: with AVX-512 and oneDNN bit for bit.
public func matmul(_ a: ProductOperand, _ b: PackedMatrix, bias: Tensor? = nil) -> Tensor {
    var output = Tensor.uninitialized([a.rows, b.columns])
    output.setProduct(a, b, bias: bias, accumulates: false)
    return output
}

/// The same in f32.
public func matmul(_ a: Tensor, _ b: PackedMatrix, bias: Tensor? = nil) -> Tensor {
    matmul(ProductOperand(a), b, bias: bias)
}

/// `A·Bᵀ (+ bias)`, `[m, k]·[n, k]ᵀ → [m, n]`.
public func matmul(_ a: Tensor, _ b: TransposedTensor, bias: Tensor? = nil) -> Tensor {
    matmul(a, PackedMatrix(b), bias: bias)
}

/// `A·B`, `[m, k]·[k, n] → [m, n]`. Rows do not depend on one another: with AVX-512 and oneDNN bit for bit.
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor {
    var output = Tensor.uninitialized([a.rows, b.columns])
    output.setProduct(a, b, accumulates: false)
    return output
}

/// `Aᵀ·B`, `[k, m]ᵀ·[k, n] → [m, n]`, summed in f32.
public func matmul(transposed a: ProductOperand, _ b: ProductOperand) -> Tensor {
    if b.rows == 0 { return .zeros([a.columns, b.columns]) }
    var output = Tensor.uninitialized([a.columns, b.columns])
    output.setTransposedProduct(a, b, accumulates: false)
    return output
}

extension Tensor {
    /// Adds `Aᵀ·B`, `[k, m]ᵀ·[k, n]`, to this `[m, n]` tensor.
    public mutating func addProduct(transposed a: ProductOperand, _ b: ProductOperand) {
        setTransposedProduct(a, b, accumulates: true)
    }

    /// Adds `A·B`, `[m, k]·[k, n]`, to this `[m, n]` tensor.
    public mutating func addProduct(_ a: ProductOperand, _ b: PackedMatrix) {
        setProduct(a, b, bias: nil, accumulates: true)
    }

    fileprivate mutating func setProduct(
        _ a: ProductOperand, _ b: PackedMatrix, bias: Tensor?, accumulates: Bool
    ) {
        precondition(a.columns == b.depth, "matmul: \(a.shape) · [\(b.depth), \(b.columns)]")
        precondition(a.precision == b.precision, "matmul: \(a.precision) · \(b.precision)")
        precondition(
            bias == nil || bias?.count == b.columns, "matmul: bias of \(bias?.count ?? 0) for \(b.columns) columns")
        unsafe b.withPointer { bPointer, layout, isPacked in
            let product = MatrixProduct(
                rows: a.rows, columns: b.columns, depth: b.depth, a: MatrixLayout(rowStride: a.columns), b: layout,
                c: MatrixLayout(rowStride: b.columns), hasBias: bias != nil, accumulates: accumulates,
                isPacked: isPacked, precision: a.precision)
            unsafe a.withValues { a in
                unsafe withUnsafeValues(of: bias) { bias in
                    unsafe withUnsafeMutableValues { output in
                        unsafe computeInRowBlocks(product, a, bPointer, bias: bias, output.baseAddress)
                    }
                }
            }
        }
    }

    /// Adds `A·B`, `[m, k]·[k, n]`, to this `[m, n]` tensor.
    public mutating func addProduct(_ a: Tensor, _ b: Tensor) { setProduct(a, b, accumulates: true) }

    fileprivate mutating func setProduct(_ a: Tensor, _ b: Tensor, accumulates: Bool) {
        precondition(
            a.columns == b.rows && rows == a.rows && columns == b.columns,
            "product: \(a.shape) · \(b.shape) into \(shape)")
        let product = MatrixProduct(
            rows: a.rows, columns: b.columns, depth: b.rows, a: MatrixLayout(rowStride: a.columns),
            b: MatrixLayout(rowStride: b.columns), c: MatrixLayout(rowStride: b.columns), accumulates: accumulates)
        unsafe a.values.withUnsafeBufferPointer { a in
            unsafe b.values.withUnsafeBufferPointer { b in
                unsafe withUnsafeMutableValues { output in
                    unsafe computeInRowBlocks(product, a.baseAddress, b.baseAddress!, bias: nil, output.baseAddress)
                }
            }
        }
    }

    /// Blocks of output rows are shared among the threads; each sums over the depth in the same order whatever the
    /// number of threads.
    fileprivate mutating func setTransposedProduct(_ a: ProductOperand, _ b: ProductOperand, accumulates: Bool) {
        let (rows, columns, depth) = (a.columns, b.columns, b.rows)
        precondition(
            a.rows == depth && self.rows == rows && self.columns == columns && a.precision == b.precision,
            "product: \(a.shape)ᵀ · \(b.shape) into \(shape)")
        let engine = MatrixEngine.current
        // A multiple of four blocks divides evenly among the usual numbers of threads.
        let rowsPerBlock = max(16, (rows / max(4, rows / 384 * 4) + 15) / 16 * 16)
        let depthParts = engine.depthParts(depth)
        let size = a.precision.bytes
        unsafe a.withValues { a in
            unsafe b.withValues { b in
                unsafe withUnsafeMutableValues { c in
                    guard let a = unsafe a, let b = unsafe b, let c = c.baseAddress else { return }
                    ThreadPool.shared.run((rows + rowsPerBlock - 1) / rowsPerBlock) { block in
                        let first = block * rowsPerBlock
                        for part in depthParts {
                            let start = part.lowerBound
                            let product = MatrixProduct(
                                rows: min(rowsPerBlock, rows - first), columns: columns, depth: part.count,
                                a: MatrixLayout(rowStride: 1, columnStride: rows), b: MatrixLayout(rowStride: columns),
                                c: MatrixLayout(rowStride: columns), accumulates: accumulates || start > 0,
                                precision: size == 2 ? .bf16 : .f32)
                            unsafe engine.compute(
                                product, a + size * (start * rows + first), b + size * start * columns, bias: nil,
                                c + first * columns)
                        }
                    }
                }
            }
        }
    }

    /// The values' memory, for kernels that split it among threads.
    @unsafe
    mutating func withUnsafeMutableValues(_ body: (UnsafeMutableBufferPointer<Float>) -> Void) {
        mutate { values in unsafe values.withUnsafeMutableBufferPointer { unsafe body($0) } }
    }
}

@unsafe
private func withUnsafeValues(of tensor: Tensor?, _ body: (UnsafePointer<Float>?) -> Void) {
    guard let tensor else { return body(nil) }
    unsafe tensor.values.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
}

/// Computes a product in blocks of rows, which the threads share.
@unsafe
private func computeInRowBlocks(
    _ product: MatrixProduct, _ a: UnsafeRawPointer?, _ b: UnsafeRawPointer, bias: UnsafePointer<Float>?,
    _ c: UnsafeMutablePointer<Float>?
) {
    guard let a = unsafe a, let c = unsafe c else { return }
    let engine = MatrixEngine.current
    let rowsPerBlock = engine.rowsPerBlock(product.rows, isPacked: product.isPacked)
    ThreadPool.shared.run((product.rows + rowsPerBlock - 1) / rowsPerBlock) { block in
        let first = block * rowsPerBlock
        var part = product
        part.rows = min(rowsPerBlock, product.rows - first)
        let (a, c) = unsafe (
            a + product.precision.bytes * first * product.a.rowStride, c + first * product.c.rowStride
        )
        unsafe engine.compute(part, a, b, bias: bias, c)
    }
}
