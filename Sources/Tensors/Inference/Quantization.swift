import CPlatform

/// How a row of real numbers became bytes: `x ≈ step·(byte - zero)`.
struct RowQuantization: BitwiseCopyable {
    var step: Float
    var zero: Float
}

/// Rounds to bfloat16, ties to even. Of numbers that are not finite, infinities and the processor's own NaN stay; those below
/// the smallest normal one may become zero.
@unsafe
func roundToHalves(_ values: UnsafePointer<Float>, _ halves: UnsafeMutablePointer<UInt16>, _ count: Int) {
    let whole = count & ~15
    for i in stride(from: 0, to: whole, by: 16) { unsafe store(cplatform_rounded(lanes(values + i)), halves + i) }
    guard whole < count else { return }
    var rest = SIMD16<Float>.zero
    for i in whole..<count { unsafe rest[i - whole] = values[i] }
    let rounded = cplatform_rounded(rest)
    for i in whole..<count { unsafe halves[i] = rounded[i - whole] }
}

/// Quantizes a row to bytes between its smallest and its largest value, zero being one of the numbers that are exact.
///
/// Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
/// Inference", §2.1, with one scale and zero for every row.
@unsafe
func quantize(
    _ values: UnsafePointer<Float>, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int
) -> RowQuantization {
    let (smallest, largest) = unsafe extremes(values, count)
    let (row, inverse) = quantization(smallest, largest)
    for i in 0..<count { unsafe bytes[i] = byte(values[i], inverse, row.zero) }
    return row
}

/// The same of `values·factors`.
@unsafe
func quantize(
    _ values: UnsafePointer<Float>, times factors: UnsafePointer<Float>, _ bytes: UnsafeMutablePointer<UInt8>,
    _ count: Int
) -> RowQuantization {
    let (smallest, largest) = extremes(
        count, sixteen: { unsafe lanes(values + $0) * lanes(factors + $0) }, one: { unsafe values[$0] * factors[$0] })
    let (row, inverse) = quantization(smallest, largest)
    for i in 0..<count { unsafe bytes[i] = byte(values[i] * factors[i], inverse, row.zero) }
    return row
}

@inline(__always)
private func quantization(_ smallest: Float, _ largest: Float) -> (row: RowQuantization, inverse: Float) {
    let range = largest - smallest
    guard range > 1e-30, range.isFinite else { return (RowQuantization(step: 0, zero: 0), 0) }
    let inverse = 255 / range
    return (RowQuantization(step: range / 255, zero: (-smallest * inverse).rounded()), inverse)
}

@inline(__always)
private func byte(_ value: Float, _ inverse: Float, _ zero: Float) -> UInt8 {
    // Adding 1.5·2²³ rounds to an integer, which is then in the low bits.
    let rounded = multiplyAdd(value, inverse, zero + 12_582_912)
    return UInt8(truncatingIfNeeded: max(0, min(255, Int32(bitPattern: rounded.bitPattern &- 0x4B40_0000))))
}

/// The smallest and the largest value, zero being among them.
@unsafe
private func extremes(_ values: UnsafePointer<Float>, _ count: Int) -> (Float, Float) {
    extremes(count, sixteen: { unsafe lanes(values + $0) }, one: { unsafe values[$0] })
}

/// The same of `count` values: sixteen from an index on, or one.
@inline(__always)
private func extremes(
    _ count: Int, sixteen: (Int) -> SIMD16<Float>, one: (Int) -> Float
) -> (Float, Float) {
    var lowest = SIMD16<Float>.zero
    var highest = SIMD16<Float>.zero
    let whole = count & ~15
    for i in stride(from: 0, to: whole, by: 16) {
        let x = sixteen(i)
        lowest.replace(with: x, where: x .< lowest)
        highest.replace(with: x, where: x .> highest)
    }
    var (smallest, greatest) = (-largest(-lowest), largest(highest))
    for i in whole..<count {
        smallest = min(smallest, one(i))
        greatest = max(greatest, one(i))
    }
    return (smallest, greatest)
}

/// The real numbers of a row of sums of bytes times weights, and the bias; added to what `output` holds where `adds` says
/// so.
///
/// - Parameters:
///   - scales: the step of every output's weights.
///   - offsets: that step times the sum of the output's weights, which the row's zero added.
@unsafe @inline(__always)
func dequantize(
    _ sums: UnsafePointer<Int32>, _ row: RowQuantization, scales: UnsafePointer<Float>, offsets: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int, adds: Bool
) {
    let (step, zero) = (row.step, -row.zero)
    for i in 0..<count {
        let sum = unsafe multiplyAdd(Float(sums[i]), scales[i], zero * offsets[i])
        let value = unsafe multiplyAdd(sum, step, bias[i])
        unsafe output[i] = adds ? output[i] + value : value
    }
}

/// A matrix of weights as signed bytes, with one step for every row.
///
/// - Returns: the step of the row, and that step times the sum of its bytes.
@unsafe
func quantizeWeights(
    _ weights: UnsafePointer<Float>, _ bytes: UnsafeMutablePointer<Int8>, _ count: Int
) -> (scale: Float, offset: Float) {
    let (smallest, largest) = unsafe extremes(weights, count)
    let size = max(-smallest, largest)
    guard size > 0, size.isFinite else {
        unsafe bytes.update(repeating: 0, count: count)
        return (0, 0)
    }
    let inverse = 127 / size
    var sum: Int32 = 0
    for i in 0..<count {
        let rounded = unsafe multiplyAdd(weights[i], inverse, 12_582_912)
        let value = Int8(truncatingIfNeeded: Int32(bitPattern: rounded.bitPattern &- 0x4B40_0000))
        unsafe bytes[i] = value
        sum &+= Int32(value)
    }
    let scale = size / 127
    return (scale, scale * Float(sum))
}
