import CPlatform
import Glibc

extension Tensor {
    /// `softmax(x)` of every row. Rows sum to one.
    public func softmaxedRows() -> Tensor { softmaxedRowsWithLogs().probabilities }

    /// `softmax(x)` of every row, and of each what is to be taken from its values to have their logarithms.
    package func softmaxedRowsWithLogs() -> (probabilities: Tensor, logSums: [Float]) {
        var output = self
        var logSums = [Float](repeating: 0, count: rows)
        unsafe logSums.withUnsafeMutableBufferPointer { logSums in
            unsafe output.forEachRow { row, values in
                let logSum = unsafe logSumOfExponentials(UnsafeBufferPointer(values))
                unsafe logSums[row] = logSum
                for i in values.indices { unsafe values[i] = exponential(values[i] - logSum) }
            }
        }
        return (output, logSums)
    }

    /// `log(softmax(x))` of every row, without underflow.
    public func logSoftmaxedRows() -> Tensor {
        var output = self
        unsafe output.forEachRow { _, values in
            let logSum = unsafe logSumOfExponentials(UnsafeBufferPointer(values))
            for i in values.indices { unsafe values[i] -= logSum }
        }
        return output
    }
}

/// `log Σ exp(x)`, without overflow.
@unsafe
private func logSumOfExponentials(_ values: UnsafeBufferPointer<Float>) -> Float {
    let whole = values.count & ~15
    var offset = unsafe values.baseAddress.map { unsafe maximum($0, count: whole) } ?? -.infinity
    for i in whole..<values.count { unsafe offset = max(offset, values[i]) }
    var sums = SIMD16<Float>.zero
    for i in stride(from: 0, to: whole, by: 16) { unsafe sums += exponentialOfNegative(loadLanes(values, i) - offset) }
    var sum = total(sums)
    for i in whole..<values.count { unsafe sum += exponential(values[i] - offset) }
    return offset + logf(sum)
}

/// Replaces the first `count` values `x` by `softmax(scale·x)`, and those behind them by 0.
///
/// - Precondition: the row holds whole groups of sixteen values.
@unsafe @inline(__always)
func softmax(_ row: UnsafeMutableBufferPointer<Float>, count: Int, scale: Float) {
    for i in count..<row.count { unsafe row[i] = -.infinity }
    let offset = unsafe maximum(row.baseAddress!, count: row.count) * scale
    for start in stride(from: 0, to: row.count, by: 16) {
        for i in start..<start &+ 16 { unsafe row[i] = exponential(row[i] * scale - offset) }
    }
    let factor = unsafe 1 / sum(UnsafeBufferPointer(row))
    for i in row.indices { unsafe row[i] *= factor }
}

/// The largest of the first `count` values of a row of whole vectors; those behind them become -∞.
@unsafe @inline(__always)
func maximum(_ row: UnsafeMutablePointer<Float>, count: Int, padded: Int) -> Float {
    var i = count & ~15
    if i < count {
        let values = unsafe lanes(row + i)
        let places = SIMD16<Int32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        unsafe store(values.replacing(with: -.infinity, where: places .>= Int32(count &- i)), row + i)
        i &+= 16
    }
    while i < padded {
        unsafe store(SIMD16(repeating: -.infinity), row + i)
        i &+= 16
    }
    return unsafe maximum(row, count: padded)
}

/// Replaces the values `x` of a row of whole vectors by `exp(scale·(x - largest))`: softmax without its last division.
///
/// - Returns: the sum, by which the row is still to be divided.
@unsafe @inline(__always)
func exponentiate(_ row: UnsafeMutablePointer<Float>, count: Int, scale: Float, largest: Float) -> Float {
    unsafe exponentiate(row, count: count, scale: scale, largest: largest, exponentialOfNegative) {
        unsafe store($0, row + $1)
    }
}

/// The same, rounded to bfloat16 into memory of its own, and as exact as that needs. The sum is that of the numbers before
/// they were rounded.
@unsafe @inline(__always)
func exponentiate(
    _ row: UnsafePointer<Float>, count: Int, scale: Float, largest: Float, into halves: UnsafeMutablePointer<UInt16>
) -> Float {
    unsafe exponentiate(row, count: count, scale: scale * 1.442_695_04, largest: largest, roughPowerOfTwo) {
        unsafe store(cplatform_rounded($0), halves + $1)
    }
}

@unsafe @inline(__always)
private func exponentiate(
    _ row: UnsafePointer<Float>, count: Int, scale: Float, largest: Float,
    _ function: (SIMD16<Float>) -> SIMD16<Float>, write: (_ values: SIMD16<Float>, _ index: Int) -> Void
) -> Float {
    let offset = SIMD16<Float>(repeating: -largest * scale)
    let factor = SIMD16<Float>(repeating: scale)
    var sum = SIMD16<Float>.zero
    var i = 0
    while i < count {
        let y = unsafe function(multiplyAdd(lanes(row + i), factor, offset))
        write(y, i)
        sum += y
        i &+= 16
    }
    return total(sum)
}

/// Turns the gradient of `softmax(scale·x)` into the gradient of `x`: `scale·p·(g - Σ g·p)`.
@unsafe @inline(__always)
func softmaxBackward(
    _ gradient: UnsafeMutableBufferPointer<Float>, probabilities: UnsafeBufferPointer<Float>, scale: Float
) {
    let projection = unsafe dot(UnsafeBufferPointer(gradient), probabilities)
    for i in gradient.indices {
        unsafe gradient[i] = scale * probabilities[i] * (gradient[i] - projection)
    }
}
