/// `y = f(x·Wᵀ + b)` with weights that do not change: packed once, in the precision of the products, with everything that
/// follows the product done while the rows are in the cache.
///
/// Many rows are shared among the threads in blocks of rows. Of few rows, each thread computes panels of columns, so that
/// no weight is read twice. Neither changes a bit of the result where the engine's rows are independent.
public final class FrozenLinear: Sendable {
    public let inputSize: Int
    public let outputSize: Int
    public let precision: Precision
    /// Applied in `project(_:into:)`.
    public let activation: Activation?
    private let bias: AlignedBuffer  // [outputSize] of Float
    /// Of int8: the step of every output's weights, and that step times their sum.
    private let scales: AlignedBuffer
    private let offsets: AlignedBuffer
    private let weights: Weights

    private enum Weights: Sendable {
        case packed(OneDNN.FrozenProducts)
        /// For OpenBLAS: `[outputSize, inputSize]`.
        case plain(AlignedBuffer)
    }

    /// - Parameters:
    ///   - matrices: `[outputs, inputSize]` each; their outputs stand side by side.
    ///   - biases: `[outputs]` each.
    ///   - factors: of the inputs, by which the weights are divided and the activations multiplied before both are
    ///     quantized (`int8` alone).
    public init(
        _ matrices: [StoredTensor], biases: [Tensor], precision: Precision, factors: [Float]? = nil,
        activation: Activation? = nil
    ) {
        precondition(matrices.count == biases.count && !matrices.isEmpty, "\(matrices.count), \(biases.count)")
        let depth = matrices[0].columns
        let columns = matrices.reduce(0) { $0 + $1.rows }
        precondition(matrices.allSatisfy { $0.columns == depth }, "\(matrices.map(\.shape))")
        precondition(biases.reduce(0) { $0 + $1.count } == columns, "\(biases.map(\.shape))")
        precondition(precision.reasonUnavailable == nil, "\(precision) is not available")
        precondition(factors == nil || factors?.count == depth, "\(factors?.count ?? 0) factors of \(depth) inputs")
        (inputSize, outputSize) = (depth, columns)
        self.precision = precision
        self.activation = activation
        bias = AlignedBuffer(floats: biases.flatMap(\.values))
        let isQuantized = precision == .int8
        scales = AlignedBuffer(byteCount: isQuantized ? 4 * columns : 0)
        offsets = AlignedBuffer(byteCount: isQuantized ? 4 * columns : 0)
        guard MatrixEngine.current == .oneDNN else {
            weights = .plain(AlignedBuffer(floats: matrices.flatMap(\.tensor.values)))
            return
        }
        let matrix: StoredTensor
        if matrices.count == 1, factors == nil || !isQuantized {
            matrix = matrices[0]
        } else {
            var rows = Tensor([columns, depth], matrices.flatMap(\.tensor.values))
            if isQuantized, let factors { rows.divideColumns(by: factors) }
            matrix = StoredTensor(rows)
        }
        let (scales, offsets) = (scales, offsets)
        weights = unsafe matrix.withValues { rows in
            func pack(_ matrix: UnsafeRawPointer) -> Weights {
                .packed(
                    unsafe OneDNN.FrozenProducts(
                        matrix, columns: columns, depth: depth, precision: precision))
            }
            guard isQuantized else { return unsafe pack(rows.baseAddress!) }
            return unsafe withUnsafeTemporaryAllocation(of: Int8.self, capacity: rows.count) { bytes in
                for row in 0..<columns {
                    let (scale, offset) = unsafe quantizeWeights(
                        rows.baseAddress! + row * depth, bytes.baseAddress! + row * depth, depth)
                    unsafe scales.floats[row] = scale
                    unsafe offsets.floats[row] = offset
                }
                return unsafe pack(bytes.baseAddress!)
            }
        }
    }

    // MARK: Products

    /// `output = f(input·Wᵀ + b)`, as values and as the form that the next product reads.
    ///
    /// - Parameter scratch: holds sums of integers in the meantime.
    public func project(_ input: Activations, into output: Activations, _ scratch: ProductScratch) {
        output.resize(input.rows)
        // Our activations are twice as fast as the library's, which it would apply with the product.
        let needsRows = precision == .int8 || output.precision != .f32 || activation != nil
        unsafe run(
            input, output, scratch, accumulates: false,
            finish: needsRows
                ? { row, sums in
                    let values = unsafe output.values[row]
                    if let sums = unsafe sums {
                        unsafe self.dequantize(sums, input.steps[row].pointee, values, adds: false)
                    }
                    if let activation = self.activation {
                        unsafe activation.apply(
                            to: UnsafeMutableBufferPointer(start: values, count: self.outputSize))
                    }
                    unsafe output.convert(row, from: UnsafePointer(values), factors: nil)
                } : nil)
    }

    /// `residual = LayerNorm(residual + input·Wᵀ + b)`, as values and as the form that the next product reads.
    public func add(
        _ input: Activations, to residual: Activations, normalizedBy norm: FrozenLayerNorm, _ scratch: ProductScratch
    ) {
        precondition(residual.rows == input.rows, "\(input.rows) rows onto \(residual.rows)")
        norm.check(columns: outputSize)
        precondition(activation == nil, "a residual goes with no activation")
        unsafe run(input, residual, scratch, accumulates: true) { row, sums in
            let values = unsafe residual.values[row]
            if let sums = unsafe sums { unsafe self.dequantize(sums, input.steps[row].pointee, values, adds: true) }
            unsafe norm.apply(to: values)
            unsafe residual.convert(row, from: UnsafePointer(values), factors: norm.factors)
        }
    }

    @unsafe
    private func dequantize(
        _ sums: UnsafePointer<Int32>, _ row: RowQuantization, _ values: UnsafeMutablePointer<Float>, adds: Bool
    ) {
        unsafe Tensors.dequantize(
            sums, row, scales: scales.floats, offsets: offsets.floats, bias: bias.floats, values, outputSize,
            adds: adds)
    }

    /// Computes the product, and calls `finish` for every row when all its columns are there.
    @unsafe
    private func run(
        _ input: Activations, _ output: Activations, _ scratch: ProductScratch, accumulates: Bool,
        finish: ((_ row: Int, _ sums: UnsafePointer<Int32>?) -> Void)?
    ) {
        precondition(input.columns == inputSize && output.columns == outputSize, "\(input.columns), \(output.columns)")
        precondition(input.precision == precision, "rows for \(input.precision) products in \(precision) ones")
        let rows = input.rows
        let blocks = RowBlocks.blocks(rows)
        let pool = ThreadPool.shared
        if precision == .int8 { scratch.sums.reserve(RowBlocks.padded(rows) * outputSize) }
        func finishRows(_ range: Range<Int>) {
            guard let finish = unsafe finish else { return }
            for row in range.clamped(to: 0..<rows) {
                unsafe finish(row, precision == .int8 ? UnsafePointer(scratch.sums.pointer + row * outputSize) : nil)
            }
        }
        if case .packed(let products) = weights, products.panels > 1, !pool.isSplitting, blocks.count < 2 * pool.threads
        {
            // Panels lie one behind the other: the library is fast where an output's rows are.
            scratch.panels.reserve(RowBlocks.padded(rows) * outputSize)
            pool.run(blocks.count * products.panels) { index in
                let (block, panel) = (blocks[index / products.panels], index % products.panels)
                unsafe products.compute(
                    rows: block.count, panel: panel, accumulates: false,
                    input.operand(block.lowerBound), bias: bias.floats,
                    scratch.panels.pointer + block.lowerBound * outputSize + panel * block.count * products.panelColumns
                )
            }
            pool.run(blocks.count * RowBlocks.smallest) { index in
                let block = blocks[index / RowBlocks.smallest]
                let part = block.count / RowBlocks.smallest
                let first = block.lowerBound + index % RowBlocks.smallest * part
                for row in (first..<first + part).clamped(to: 0..<rows) {
                    unsafe collect(row, of: block, products, scratch, output, accumulates)
                }
                finishRows(first..<first + part)
            }
            return
        }
        pool.run(blocks.count) { index in
            let block = blocks[index]
            switch weights {
            case .packed(let products):
                let target: UnsafeMutableRawPointer
                if precision == .int8 {
                    unsafe target = UnsafeMutableRawPointer(scratch.sums.pointer + block.lowerBound * outputSize)
                } else {
                    unsafe target = UnsafeMutableRawPointer(output.values[block.lowerBound])
                }
                unsafe products.compute(
                    rows: block.count, panel: nil, accumulates: accumulates,
                    input.operand(block.lowerBound), bias: bias.floats, target)
            case .plain(let matrix):
                unsafe OpenBLAS.addProduct(
                    rows: min(rows, block.upperBound) - block.lowerBound, columns: outputSize, depth: inputSize,
                    input.values[block.lowerBound], matrix.floats, bias: bias.floats,
                    output.values[block.lowerBound], accumulates: accumulates)
            }
            finishRows(block)
        }
    }

    /// Puts the parts of a row together that lie in the panels of its block.
    @unsafe
    private func collect(
        _ row: Int, of block: Range<Int>, _ products: OneDNN.FrozenProducts, _ scratch: ProductScratch,
        _ output: Activations, _ accumulates: Bool
    ) {
        let width = products.panelColumns
        for panel in 0..<products.panels {
            let start = panel * block.count * width + (row - block.lowerBound) * width
            let panels = unsafe scratch.panels.pointer + block.lowerBound * outputSize
            if precision == .int8 {
                unsafe (scratch.sums.pointer + row * outputSize + panel * width).update(
                    from: panels + start, count: width)
            } else {
                let source = unsafe UnsafeRawPointer(panels + start).assumingMemoryBound(to: Float.self)
                let target = unsafe output.values[row] + panel * width
                if accumulates {
                    for i in 0..<width { unsafe target[i] += source[i] }
                } else {
                    unsafe target.update(from: source, count: width)
                }
            }
        }
    }
}

/// Memory for products that are not yet rows of activations, kept from batch to batch.
@safe public final class ProductScratch: @unchecked Sendable {  // a plan gives it to one batch at a time
    /// Rows of sums of integers.
    let sums = RowBuffer<Int32>(columns: 1)
    /// Panels of columns, of numbers of up to four bytes.
    let panels = RowBuffer<Int32>(columns: 1)

    public init() {}
}

extension Tensor {
    fileprivate mutating func divideColumns(by factors: [Float]) {
        let columns = columns
        mutate { values in
            for start in stride(from: 0, to: values.count, by: columns) {
                for i in 0..<columns { values[start + i] /= factors[i] }
            }
        }
    }
}
