/// `y = f(x·Wᵀ + b)` with weights that do not change: packed once, in the precision of the products, with everything that
/// follows the product done while the rows are in the cache.
///
/// Many rows are shared among the threads in blocks of rows. Of few rows, each thread computes panels of columns, so that
/// no weight is read twice. Neither changes a bit of the result where the engine's rows are independent.
public final class FrozenLinear: Sendable {
    public let inputSize: Int
    /// Columns that `project` delivers: with a gate half of the matrices' outputs, else all.
    public let outputSize: Int
    public let precision: Precision
    /// Applied in `project`.
    public let activation: Activation?
    /// Whether the first half of the outputs, activated, is multiplied by the second in `project`.
    public let isGated: Bool
    /// Columns of the product itself.
    private let width: Int
    private let bias: AlignedBuffer  // [width] of Float
    /// Of int8: the step of every output's weights, and that step times their sum.
    private let scales: AlignedBuffer
    private let offsets: AlignedBuffer
    private let weights: Weights

    /// About what a core's own cache keeps of a matrix.
    private static let cachedBytes = 1 << 20

    private enum Weights: Sendable {
        case packed(OneDNN.FrozenProducts)
        /// For OpenBLAS: `[width, inputSize]`.
        case plain(AlignedBuffer)
    }

    /// - Parameters:
    ///   - matrices: `[outputs, inputSize]` each; their outputs stand side by side.
    ///   - biases: `[outputs]` each; where one is absent, or all are, zeros.
    ///   - factors: of the inputs, by which the weights are divided and the activations multiplied before both are
    ///     quantized (`int8` alone).
    ///   - isGated: whether the outputs are two halves, of which `project` delivers `f(first) ⊙ second`.
    public init(
        _ matrices: [StoredTensor], biases: [Tensor?] = [], precision: Precision, factors: [Float]? = nil,
        activation: Activation? = nil, isGated: Bool = false
    ) {
        precondition(!matrices.isEmpty, "no matrices")
        let biases = biases.isEmpty ? matrices.map { _ in nil } : biases
        precondition(
            matrices.count == biases.count && zip(matrices, biases).allSatisfy { $1 == nil || $0.rows == $1?.count },
            "\(matrices.map(\.shape)), biases \(biases.map { $0?.shape })")
        let depth = matrices[0].columns
        let columns = matrices.reduce(0) { $0 + $1.rows }
        precondition(matrices.allSatisfy { $0.columns == depth }, "\(matrices.map(\.shape))")
        precondition(!isGated || columns % 2 == 0, "two halves of \(columns) outputs")
        precondition(precision.reasonUnavailable == nil, "\(precision) is not available")
        precondition(factors == nil || factors?.count == depth, "\(factors?.count ?? 0) factors of \(depth) inputs")
        (inputSize, outputSize, width) = (depth, isGated ? columns / 2 : columns, columns)
        self.precision = precision
        self.activation = activation
        self.isGated = isGated
        bias = AlignedBuffer(
            floats: zip(matrices, biases).flatMap { $1?.values ?? [Float](repeating: 0, count: $0.rows) })
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

    /// `output = f(input·Wᵀ + b)`, or with a gate `f(first half) ⊙ second half`, as values and as the form that the next
    /// product reads.
    ///
    /// - Parameter scratch: holds sums of integers, and halves, in the meantime.
    public func project(_ input: Activations, into output: Activations, _ scratch: ProductScratch) {
        precondition(output.columns == outputSize, "\(outputSize) columns into \(output.columns)")
        precondition(input !== output, "a projection into what it reads")
        output.resize(input.rows)
        if isGated { return projectGated(input, into: output, scratch) }
        // Our activations are twice as fast as the library's, which it would apply with the product.
        let needsColumns = precision == .int8 || output.precision == .bf16 || activation != nil
        unsafe run(
            input, output.values.pointer, scratch, accumulates: false,
            finishColumns: needsColumns
                ? { row, columns, sums in
                    let values = unsafe output.values[row] + columns.lowerBound
                    if let sums = unsafe sums {
                        unsafe self.dequantize(sums, input.steps[row].pointee, values, columns, adds: false)
                    }
                    unsafe self.activation?.apply(
                        to: UnsafeMutableBufferPointer(start: values, count: columns.count), for: output.precision)
                    if output.precision == .bf16 {
                        unsafe roundToHalves(values, output.halves[row] + columns.lowerBound, columns.count)
                    }
                } : nil,
            finishRow: output.precision == .int8
                ? { row in unsafe output.convert(row, from: output.values[row], factors: nil) } : nil)
    }

    private func projectGated(_ input: Activations, into output: Activations, _ scratch: ProductScratch) {
        let (width, count) = (width, outputSize)
        scratch.gated.reserve(RowBlocks.padded(input.rows) * width)
        unsafe run(
            input, scratch.gated.pointer, scratch, accumulates: false,
            finishColumns: precision == .int8
                ? { row, columns, sums in
                    guard let sums = unsafe sums else { return }
                    let values = unsafe scratch.gated.pointer + row * width + columns.lowerBound
                    unsafe self.dequantize(sums, input.steps[row].pointee, values, columns, adds: false)
                } : nil,
            finishRow: { row in
                let first = unsafe scratch.gated.pointer + row * width
                let second = unsafe first + count
                unsafe self.activation?.apply(
                    to: UnsafeMutableBufferPointer(start: first, count: count), for: output.precision)
                let values = unsafe output.values[row]
                for i in 0..<count { unsafe values[i] = first[i] * second[i] }
                unsafe output.convert(row, from: UnsafePointer(values), factors: nil)
            })
    }

    /// `residual = LayerNorm(residual + input·Wᵀ + b)`, or without a normalization the sum, as values and as the form that the next product reads.
    public func add(
        _ input: Activations, to residual: Activations, normalizedBy norm: FrozenLayerNorm?, _ scratch: ProductScratch
    ) {
        add(input, to: residual, normalizedBy: norm, into: residual, scratch)
    }

    /// `residual += input·Wᵀ + b`, as values alone, and `output = LayerNorm(residual)`, as values and as the form that the
    /// next product reads: what stands between two halves of a layer that normalizes first.
    ///
    /// Source: Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture", §3.
    public func add(
        _ input: Activations, to residual: Activations, normalizedBy norm: FrozenLayerNorm?, into output: Activations,
        _ scratch: ProductScratch
    ) {
        precondition(residual.rows == input.rows, "\(input.rows) rows onto \(residual.rows)")
        precondition(
            residual.columns == outputSize && output.columns == outputSize,
            "\(outputSize) columns onto \(residual.columns) and into \(output.columns)")
        norm?.check(columns: outputSize)
        precondition(activation == nil && !isGated, "a residual goes with no activation")
        precondition(input !== residual && input !== output, "a sum in the place of what the product reads")
        output.resize(input.rows)
        unsafe run(
            input, residual.values.pointer, scratch, accumulates: true,
            finishColumns: precision == .int8
                ? { row, columns, sums in
                    guard let sums = unsafe sums else { return }
                    let values = unsafe residual.values[row] + columns.lowerBound
                    unsafe self.dequantize(sums, input.steps[row].pointee, values, columns, adds: true)
                } : nil,
            finishRow: { row in unsafe output.normalize(row, from: residual, by: norm) })
    }

    /// - Parameters: `sums` and `values` begin with the first of the columns.
    @unsafe
    private func dequantize(
        _ sums: UnsafePointer<Int32>, _ row: RowQuantization, _ values: UnsafeMutablePointer<Float>,
        _ columns: Range<Int>, adds: Bool
    ) {
        let first = columns.lowerBound
        unsafe Tensors.dequantize(
            sums, row, scales: scales.floats + first, offsets: offsets.floats + first, bias: bias.floats + first,
            values,
            columns.count, adds: adds)
    }

    /// Computes the product into rows of `width` values, or in int8 into sums of integers.
    ///
    /// - Parameters:
    ///   - finishColumns: called when some columns of a row are there, or all; of integers, `sums` is the first.
    ///   - finishRow: called when all columns of a row are there.
    @unsafe
    private func run(
        _ input: Activations, _ output: UnsafeMutablePointer<Float>, _ scratch: ProductScratch, accumulates: Bool,
        finishColumns: ((_ row: Int, _ columns: Range<Int>, _ sums: UnsafePointer<Int32>?) -> Void)?,
        finishRow: ((_ row: Int) -> Void)?
    ) {
        precondition(input.columns == inputSize, "\(input.columns) columns for \(inputSize) inputs")
        precondition(input.precision == precision, "rows for \(input.precision) products in \(precision) ones")
        let rows = input.rows
        let blocks = RowBlocks.blocks(rows)
        let pool = ThreadPool.shared
        // Of few rows, threads share the panels. A thread alone reads a panel that stays in its cache for one block of rows
        // after the other, where all weights would not stay.
        let isAlone = pool.isSplitting
        if case .packed(let products) = weights, products.panels > 1,
            isAlone ? blocks.count > 1 && products.byteCount > Self.cachedBytes : blocks.count < 2 * pool.threads
        {
            // Panels lie one behind the other: the library is fast where an output's rows are.
            let panelColumns = products.panelColumns
            scratch.panels.reserve(isAlone ? RowBlocks.largest * panelColumns : RowBlocks.padded(rows) * width)
            pool.run(blocks.count * products.panels) { index in
                let (panel, block) = (index / blocks.count, blocks[index % blocks.count])
                let place = isAlone ? 0 : block.lowerBound * width + panel * block.count * panelColumns
                let results = unsafe scratch.panels.pointer + place
                unsafe products.compute(
                    rows: block.count, panel: panel, accumulates: false, input.operand(block.lowerBound),
                    bias: bias.floats, results)
                let columns = panel * panelColumns..<(panel + 1) * panelColumns
                for row in block.clamped(to: 0..<rows) {
                    let part = unsafe results + (row - block.lowerBound) * panelColumns
                    if precision == .int8 {
                        unsafe finishColumns?(row, columns, part)
                    } else {
                        unsafe putFloats(
                            part, columns.count, to: output + row * width + columns.lowerBound, adds: accumulates)
                        finishColumns?(row, columns, nil)
                    }
                }
            }
            guard let finishRow else { return }
            let parts = min(rows, 4 * pool.threads)
            pool.run(parts) { part in
                for row in rows * part / parts..<rows * (part + 1) / parts { finishRow(row) }
            }
            return
        }
        if precision == .int8 { scratch.sums.reserve(RowBlocks.padded(rows) * width) }
        pool.run(blocks.count) { index in
            let block = blocks[index]
            switch weights {
            case .packed(let products):
                let target: UnsafeMutableRawPointer
                if precision == .int8 {
                    unsafe target = UnsafeMutableRawPointer(scratch.sums.pointer + block.lowerBound * width)
                } else {
                    unsafe target = UnsafeMutableRawPointer(output + block.lowerBound * width)
                }
                unsafe products.compute(
                    rows: block.count, panel: nil, accumulates: accumulates,
                    input.operand(block.lowerBound), bias: bias.floats, target)
            case .plain(let matrix):
                unsafe OpenBLAS.addProduct(
                    rows: min(rows, block.upperBound) - block.lowerBound, columns: width, depth: inputSize,
                    input.values[block.lowerBound], matrix.floats, bias: bias.floats,
                    output + block.lowerBound * width, accumulates: accumulates)
            }
            for row in block.clamped(to: 0..<rows) {
                unsafe finishColumns?(
                    row, 0..<width, precision == .int8 ? UnsafePointer(scratch.sums.pointer + row * width) : nil)
                finishRow?(row)
            }
        }
    }
}

/// Writes results of a product, which are in a panel's memory, where they belong.
@unsafe
private func putFloats(
    _ results: UnsafePointer<Int32>, _ count: Int, to target: UnsafeMutablePointer<Float>, adds: Bool
) {
    let source = unsafe UnsafeRawPointer(results).assumingMemoryBound(to: Float.self)
    if adds {
        for i in 0..<count { unsafe target[i] += source[i] }
    } else {
        unsafe target.update(from: source, count: count)
    }
}

/// Memory for products that are not yet rows of activations, kept from batch to batch.
@safe public final class ProductScratch: @unchecked Sendable {  // a plan gives it to one batch at a time
    /// Rows of sums of integers.
    let sums = RowBuffer<Int32>(columns: 1)
    /// Rows of two halves, one of which gates the other.
    let gated = RowBuffer<Float>(columns: 1)
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
