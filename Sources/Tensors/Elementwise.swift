/// Values of one block of elementwise work. It does not depend on the number of threads.
private let valuesPerBlock = 16_384

/// A function of one value, inlined into the loop over a tensor.
///
/// A type and not a closure: a closure that crosses to other threads is called for every value.
protocol ElementwiseFunction {
    static func value(_ x: Float) -> Float
}

/// A function of two values, inlined into the loop over two tensors.
protocol PairwiseFunction {
    static func value(_ x: Float, _ y: Float) -> Float
}

private enum Sum: PairwiseFunction {
    @inline(__always) static func value(_ x: Float, _ y: Float) -> Float { x + y }
}

private enum Product: PairwiseFunction {
    @inline(__always) static func value(_ x: Float, _ y: Float) -> Float { x * y }
}

extension Tensor {
    /// The function of every value.
    func mapped<Function: ElementwiseFunction>(by function: Function.Type) -> Tensor {
        var output = Tensor.uninitialized(shape)
        unsafe values.withUnsafeBufferPointer { input in
            unsafe output.withUnsafeMutableValues { output in
                unsafe forEachBlock(of: output) { range, output in
                    let input = unsafe UnsafeBufferPointer(rebasing: input[range])
                    for i in output.indices { unsafe output[i] = Function.value(input[i]) }
                }
            }
        }
        return output
    }

    /// Replaces every value by the function of itself and its counterpart.
    mutating func combine<Function: PairwiseFunction>(with other: Tensor, by function: Function.Type) {
        precondition(shape == other.shape, "shapes \(shape) and \(other.shape) differ")
        unsafe other.values.withUnsafeBufferPointer { other in
            unsafe withUnsafeMutableValues { values in
                unsafe forEachBlock(of: values) { range, values in
                    let other = unsafe UnsafeBufferPointer(rebasing: other[range])
                    for i in values.indices { unsafe values[i] = Function.value(values[i], other[i]) }
                }
            }
        }
    }

    public static func += (a: inout Tensor, b: Tensor) { a.combine(with: b, by: Sum.self) }

    public static func + (a: Tensor, b: Tensor) -> Tensor {
        var sum = a
        sum += b
        return sum
    }

    /// The product of every value and its counterpart.
    public static func *= (a: inout Tensor, b: Tensor) { a.combine(with: b, by: Product.self) }

    public static func * (a: Tensor, b: Tensor) -> Tensor {
        var product = a
        product *= b
        return product
    }

    /// Multiplies every value.
    public mutating func scale(by factor: Float) {
        unsafe withUnsafeMutableValues { values in
            unsafe forEachBlock(of: values) { _, values in
                for i in values.indices { unsafe values[i] *= factor }
            }
        }
    }

    /// Adds the sum of another tensor's rows to this row vector `[columns]`.
    public mutating func addSumOfRows(_ other: Tensor) {
        precondition(count == other.columns, "sum of the rows of \(other.shape) into \(shape)")
        let (rows, columns) = (other.rows, other.columns)
        unsafe other.values.withUnsafeBufferPointer { other in
            unsafe forEachColumnBlock { block, sum in
                for row in 0..<rows {
                    let start = row * columns + block.lowerBound
                    let values = unsafe UnsafeBufferPointer(rebasing: other[start..<start + block.count])
                    for i in values.indices { unsafe sum[i] += values[i] }
                }
            }
        }
    }

    /// Calls `body` with blocks of this row vector's columns, the blocks being shared among the threads.
    @unsafe @inline(__always)
    private mutating func forEachColumnBlock(_ body: (Range<Int>, UnsafeMutableBufferPointer<Float>) -> Void) {
        let columnsPerBlock = 96
        unsafe withUnsafeMutableValues { values in
            ThreadPool.shared.run((values.count + columnsPerBlock - 1) / columnsPerBlock) { block in
                let range = block * columnsPerBlock..<min(values.count, (block + 1) * columnsPerBlock)
                unsafe body(range, UnsafeMutableBufferPointer(rebasing: values[range]))
            }
        }
    }

    /// The sum of the squares of all values.
    public var sumOfSquares: Double {
        let blocks = (count + valuesPerBlock - 1) / valuesPerBlock
        var partial = [Double](repeating: 0, count: blocks)
        unsafe values.withUnsafeBufferPointer { values in
            unsafe partial.withUnsafeMutableBufferPointer { partial in
                ThreadPool.shared.run(blocks) { block in
                    let range = block * valuesPerBlock..<min(values.count, (block + 1) * valuesPerBlock)
                    let part = unsafe UnsafeBufferPointer(rebasing: values[range])
                    unsafe partial[block] = Double(dot(part, part))
                }
            }
        }
        return partial.reduce(0, +)
    }

    /// Calls `body` with every row, the rows being shared among the threads.
    @unsafe @inline(__always)
    mutating func forEachRow(_ body: (_ row: Int, UnsafeMutableBufferPointer<Float>) -> Void) {
        let columns = columns
        let rows = rows
        let rowsPerBlock = max(1, valuesPerBlock / max(1, columns))
        unsafe withUnsafeMutableValues { values in
            ThreadPool.shared.run((rows + rowsPerBlock - 1) / rowsPerBlock) { block in
                for row in block * rowsPerBlock..<min(rows, (block + 1) * rowsPerBlock) {
                    unsafe body(row, UnsafeMutableBufferPointer(rebasing: values[row * columns..<(row + 1) * columns]))
                }
            }
        }
    }
}

/// Calls `body` with every block of values, the blocks being shared among the threads.
@unsafe @inline(__always)
func forEachBlock(
    of values: UnsafeMutableBufferPointer<Float>,
    _ body: (Range<Int>, UnsafeMutableBufferPointer<Float>) -> Void
) {
    let count = values.count
    ThreadPool.shared.run((count + valuesPerBlock - 1) / valuesPerBlock) { block in
        let range = block * valuesPerBlock..<min(count, (block + 1) * valuesPerBlock)
        unsafe body(range, UnsafeMutableBufferPointer(rebasing: values[range]))
    }
}
