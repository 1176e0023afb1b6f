/// Rows of activations between the products of an inference plan, with the form in which the next product reads them.
///
/// Memory is kept from batch to batch. Between two products of a batch, threads write rows of their own.
@safe public final class Activations: @unchecked Sendable {  // a plan gives them to one batch at a time
    public let columns: Int
    let precision: Precision
    public private(set) var rows = 0

    let values: RowBuffer<Float>
    let halves: RowBuffer<UInt16>
    let bytes: RowBuffer<UInt8>
    /// Of every quantized row: the step between two numbers, and the number that stands for zero.
    let steps: RowBuffer<RowQuantization>

    /// - Parameter precision: of the product that reads the rows; f32 where none does.
    public init(columns: Int, for precision: Precision) {
        self.columns = columns
        self.precision = precision
        values = RowBuffer(columns: columns)
        halves = RowBuffer(columns: columns)
        bytes = RowBuffer(columns: columns)
        steps = RowBuffer(columns: 1)
    }

    /// Makes room for `rows`, and for those that fill the last block of a product.
    func resize(_ rows: Int) {
        self.rows = rows
        let padded = RowBlocks.padded(rows)
        values.reserve(padded)
        switch precision {
        case .f32: break
        case .bf16: halves.reserve(padded)
        case .int8:
            bytes.reserve(padded)
            steps.reserve(padded)
        }
    }

    /// The rows as the next product reads them.
    @unsafe
    func operand(_ row: Int) -> UnsafeRawPointer {
        switch precision {
        case .f32: unsafe UnsafeRawPointer(values[row])
        case .bf16: unsafe UnsafeRawPointer(halves[row])
        case .int8: unsafe UnsafeRawPointer(bytes[row])
        }
    }

    /// Writes the form that the next product reads of a row's values, which may lie elsewhere.
    ///
    /// - Parameter factors: of the columns before they are quantized, by which the product's weights were divided.
    @unsafe @inline(__always)
    func convert(_ row: Int, from values: UnsafePointer<Float>, factors: [Float]?) {
        switch precision {
        case .f32: break
        case .bf16: unsafe roundToHalves(values, halves[row], columns)
        case .int8:
            guard let factors else { return unsafe steps[row].pointee = quantize(values, bytes[row], columns) }
            unsafe factors.withUnsafeBufferPointer {
                unsafe steps[row].pointee = quantize(values, times: $0.baseAddress!, bytes[row], columns)
            }
        }
    }

    /// Takes over the rows of a tensor, `[rows, columns]`.
    package func copy(_ tensor: Tensor) {
        precondition(tensor.columns == columns, "\(tensor.shape) into \(columns) columns")
        resize(tensor.rows)
        unsafe tensor.values.withUnsafeBufferPointer { source in
            for row in 0..<tensor.rows {
                unsafe values[row].update(from: source.baseAddress! + row * columns, count: columns)
                unsafe convert(row, from: values[row], factors: nil)
            }
        }
    }

    /// The values as a tensor, `[rows, columns]`.
    public var tensor: Tensor {
        var result = Tensor.uninitialized([rows, columns])
        unsafe result.withUnsafeMutableValues { output in
            _ = unsafe output.update(
                fromContentsOf: UnsafeBufferPointer(start: values.pointer, count: rows * columns))
        }
        return result
    }

    /// Takes over some rows of another, in all their forms.
    public func gather(_ indices: [Int32], from other: Activations) {
        precondition(columns == other.columns && precision == other.precision, "\(other.columns) columns, \(columns)")
        precondition(indices.allSatisfy { (0..<Int32(other.rows)).contains($0) }, "row outside \(other.rows)")
        resize(indices.count)
        for (row, index) in indices.enumerated() {
            let index = Int(index)
            unsafe values[row].update(from: other.values[index], count: columns)
            switch precision {
            case .f32: break
            case .bf16: unsafe halves[row].update(from: other.halves[index], count: columns)
            case .int8:
                unsafe bytes[row].update(from: other.bytes[index], count: columns)
                unsafe steps[row].pointee = other.steps[index].pointee
            }
        }
    }

    /// Takes over the sequences of another, with rows of its own in front of each.
    ///
    /// - Returns: the rows of each sequence, those in front included.
    public func interleave(_ front: Tensor, before sequences: [Range<Int>], of other: Activations) -> [Range<Int>] {
        precondition(columns == other.columns && front.columns == columns && precision == .f32, "\(front.shape)")
        resize(other.rows + sequences.count * front.rows)
        var next = 0
        return unsafe front.values.withUnsafeBufferPointer { source in
            sequences.map { rows in
                let start = next
                for row in 0..<front.rows {
                    unsafe values[start + row].update(from: source.baseAddress! + row * columns, count: columns)
                }
                for (row, own) in rows.enumerated() {
                    unsafe values[start + front.rows + row].update(from: other.values[own], count: columns)
                }
                next += front.rows + rows.count
                return start..<next
            }
        }
    }
}
