import CPlatform

// Elementary functions for loops: without calls and branches, so that the compiler vectorizes the loop around them.

private let hasMultiplyAdd = HAS_MULTIPLY_ADD != 0

/// `a·b + c`, rounded once where the processor has an instruction for it. Elsewhere a call would be many times slower than
/// two operations.
@inline(__always)
func multiplyAdd(_ a: Float, _ b: Float, _ c: Float) -> Float {
    hasMultiplyAdd ? c.addingProduct(a, b) : a * b + c
}

/// The same in sixteen lanes.
@inline(__always)
func multiplyAdd(_ a: SIMD16<Float>, _ b: SIMD16<Float>, _ c: SIMD16<Float>) -> SIMD16<Float> {
    hasMultiplyAdd ? c.addingProduct(a, b) : a * b + c
}

/// `eˣ`, relative error below 2e-7; 0 below -87, and the value at 88 above 88.
///
/// Reduction to `|r| ≤ ln 2 / 2` in two parts and a polynomial of degree 7, after Cody and Waite 1980 with the
/// coefficients of the Cephes library.
@inline(always)
func exponential(_ x: Float) -> Float {
    let clamped = min(max(x, -87.3), 88)
    // Adding 1.5·2²³ rounds to an integer; 127 more makes its low bits the exponent of 2ⁿ.
    let shifted = multiplyAdd(clamped, 1.442_695_04, 12_583_039)
    let n = shifted - 12_583_039
    let r = multiplyAdd(n, 2.121_944_4e-4, multiplyAdd(n, -0.693_359_375, clamped))
    var p: Float = 1.987_569_15e-4
    p = multiplyAdd(p, r, 1.398_199_95e-3)
    p = multiplyAdd(p, r, 8.333_451_9e-3)
    p = multiplyAdd(p, r, 4.166_579_6e-2)
    p = multiplyAdd(p, r, 1.666_666_55e-1)
    p = multiplyAdd(p, r, 5.000_000_1e-1)
    p = multiplyAdd(p, r * r, r) + 1
    let power = Float(bitPattern: shifted.bitPattern << 23)
    return x < -87.3 ? 0 : p * power
}

/// `eˣ` in sixteen lanes for `x ≤ 0`: the same steps.
@inline(__always)
func exponentialOfNegative(_ x: SIMD16<Float>) -> SIMD16<Float> {
    let isTiny = x .< -87.3
    let clamped = x.replacing(with: -87.3, where: isTiny)
    let shifted = multiplyAdd(clamped, SIMD16(repeating: 1.442_695_04), SIMD16(repeating: 12_583_039))
    let n = shifted - 12_583_039
    let r = multiplyAdd(
        n, SIMD16(repeating: 2.121_944_4e-4), multiplyAdd(n, SIMD16(repeating: -0.693_359_375), clamped))
    var p = SIMD16<Float>(repeating: 1.987_569_15e-4)
    p = multiplyAdd(p, r, SIMD16(repeating: 1.398_199_95e-3))
    p = multiplyAdd(p, r, SIMD16(repeating: 8.333_451_9e-3))
    p = multiplyAdd(p, r, SIMD16(repeating: 4.166_579_6e-2))
    p = multiplyAdd(p, r, SIMD16(repeating: 1.666_666_55e-1))
    p = multiplyAdd(p, r, SIMD16(repeating: 5.000_000_1e-1))
    p = multiplyAdd(p, r * r, r) + 1
    let power = unsafe unsafeBitCast(unsafeBitCast(shifted, to: SIMD16<UInt32>.self) &<< 23, to: SIMD16<Float>.self)
    return (p * power).replacing(with: 0, where: isTiny)
}

/// `2ˣ` in sixteen lanes for `x ≤ 0`, relative error below 4e-6 from -126 on; 0 at -127 and below, and at most 2⁻¹²⁶ between.
///
/// A polynomial of degree 4 on `|r| ≤ 1/2` of the least relative error that is 1 at 0.
@inline(__always)
func roughPowerOfTwo(_ x: SIMD16<Float>) -> SIMD16<Float> {
    let clamped = x.replacing(with: -127, where: x .< -127)
    // Adding 1.5·2²³ rounds to an integer, which is then in the low bits.
    let shifted = clamped + 12_582_912
    let r = clamped - (shifted - 12_582_912)
    var p = multiplyAdd(SIMD16(repeating: 9.582_576_65e-3), r, SIMD16(repeating: 5.590_683_00e-2))
    p = multiplyAdd(p, r, SIMD16(repeating: 2.402_410_73e-1))
    p = multiplyAdd(p, r, SIMD16(repeating: 6.931_241_18e-1))
    p = multiplyAdd(p, r, SIMD16(repeating: 1))
    // At -127, which is 1 times 2⁻¹²⁷, no bit of the exponent is left; below, the sign's would be taken.
    return unsafe unsafeBitCast(
        unsafeBitCast(p, to: SIMD16<UInt32>.self) &+ unsafeBitCast(shifted, to: SIMD16<UInt32>.self) &<< 23,
        to: SIMD16<Float>.self)
}

/// The error function, absolute error below 2e-7.
///
/// A rational function of degree 13 over 8 on `|x| ≤ 4`, with the coefficients that Eigen's and XLA's `erf` use.
@inline(always)
func errorFunction(_ x: Float) -> Float {
    let x = min(max(x, -4), 4)
    let square = x * x
    var p: Float = -2.726_142_258_013_06e-10
    p = multiplyAdd(p, square, 2.770_681_424_959_02e-8)
    p = multiplyAdd(p, square, -2.101_024_020_825_08e-6)
    p = multiplyAdd(p, square, -5.692_506_394_623_46e-5)
    p = multiplyAdd(p, square, -7.349_906_303_268_55e-4)
    p = multiplyAdd(p, square, -2.954_599_808_540_25e-3)
    p = multiplyAdd(p, square, -1.609_603_332_624_15e-2)
    var q: Float = -1.456_607_184_649_96e-5
    q = multiplyAdd(q, square, -2.133_740_552_789_05e-4)
    q = multiplyAdd(q, square, -1.682_826_974_382_03e-3)
    q = multiplyAdd(q, square, -7.373_329_167_204_68e-3)
    q = multiplyAdd(q, square, -1.426_473_905_141_89e-2)
    return x * p / q
}

/// The logistic function `1 / (1 + e⁻ˣ)`.
@inline(always)
func logistic(_ x: Float) -> Float { 1 / (1 + exponential(-x)) }

/// The hyperbolic tangent, absolute error below 3e-7.
@inline(always)
func hyperbolicTangent(_ x: Float) -> Float { 2 * logistic(2 * x) - 1 }
