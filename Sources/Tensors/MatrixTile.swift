import CPlatform

/// What stands in one lane of a small product's operands.
protocol TileElement: BitwiseCopyable {
    associatedtype Lanes
    static func lanes(at pointer: UnsafePointer<Self>) -> Lanes
    static func lanes(repeating element: Self) -> Lanes
    static func add(_ a: Lanes, times b: Lanes, to sums: SIMD16<Float>) -> SIMD16<Float>
}

extension Float: TileElement {
    @unsafe @inline(__always)
    static func lanes(at pointer: UnsafePointer<Float>) -> SIMD16<Float> { unsafe Tensors.lanes(pointer) }

    @inline(__always)
    static func lanes(repeating element: Float) -> SIMD16<Float> { SIMD16(repeating: element) }

    @inline(__always)
    static func add(_ a: SIMD16<Float>, times b: SIMD16<Float>, to sums: SIMD16<Float>) -> SIMD16<Float> {
        multiplyAdd(a, b, sums)
    }
}

/// Two bfloat16, the first in the low half, whose products with two others are added to one sum.
struct HalfPair: TileElement {
    let bits: UInt32

    @unsafe @inline(__always)
    static func lanes(at pointer: UnsafePointer<HalfPair>) -> SIMD16<UInt32> {
        unsafe UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<UInt32>.self)
    }

    @inline(__always)
    static func lanes(repeating element: HalfPair) -> SIMD16<UInt32> { SIMD16(repeating: element.bits) }

    @inline(__always)
    static func add(_ a: SIMD16<UInt32>, times b: SIMD16<UInt32>, to sums: SIMD16<Float>) -> SIMD16<Float> {
        cplatform_add_products(sums, a, b)
    }
}

/// Rows of the largest tile.
let rowsPerTile = 8

/// `C = A·B` for one to eight rows and 32 columns, whose sums stay in registers. What a row becomes does not depend on the
/// others.
@unsafe @inline(__always)
func multiplyTile<Element: TileElement>(
    _ a: UnsafePointer<Element>, _ aStride: Int, _ aColumnStride: Int = 1, rows: Int, _ b: UnsafePointer<Element>,
    _ bStride: Int, depth: Int,
    _ c: UnsafeMutablePointer<Float>, _ cStride: Int
) {
    if HAS_WIDE_REGISTERS != 0, rows > 4 {
        return unsafe multiplyEightRows(a, aStride, aColumnStride, rows: rows, b, bStride, depth: depth, c, cStride)
    }
    for row in stride(from: 0, to: rows, by: 4) {
        unsafe multiplyFourRows(
            a + row * aStride, aStride, aColumnStride, rows: min(4, rows - row), b, bStride, depth: depth,
            c + row * cStride, cStride)
    }
}

/// Eight sums, enough to keep two multipliers busy.
@unsafe @inline(__always)
private func multiplyFourRows<Element: TileElement>(
    _ a: UnsafePointer<Element>, _ aStride: Int, _ aColumnStride: Int, rows: Int, _ b: UnsafePointer<Element>,
    _ bStride: Int, depth: Int,
    _ c: UnsafeMutablePointer<Float>, _ cStride: Int
) {
    // Rows that are not there are computed as copies of the last, and written to its place.
    let (second, third, fourth) = (min(1, rows - 1), min(2, rows - 1), min(3, rows - 1))
    let (a1, a2, a3) = unsafe (a + second * aStride, a + third * aStride, a + fourth * aStride)
    var (c00, c01, c10, c11) = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
    var (c20, c21, c30, c31) = (c00, c00, c00, c00)
    var (b, column) = unsafe (b, 0)
    for _ in 0..<depth {
        let (left, right) = unsafe (Element.lanes(at: b), Element.lanes(at: b + 16))
        unsafe add(a[column], left, right, to: &c00, &c01)
        unsafe add(a1[column], left, right, to: &c10, &c11)
        unsafe add(a2[column], left, right, to: &c20, &c21)
        unsafe add(a3[column], left, right, to: &c30, &c31)
        column &+= aColumnStride
        unsafe b += bStride
    }
    unsafe put(c00, c01, c)
    unsafe put(c10, c11, c + second * cStride)
    unsafe put(c20, c21, c + third * cStride)
    unsafe put(c30, c31, c + fourth * cStride)
}

/// Sixteen sums, where there are registers for them: none has to wait for the one before.
@unsafe @inline(__always)
private func multiplyEightRows<Element: TileElement>(
    _ a: UnsafePointer<Element>, _ aStride: Int, _ aColumnStride: Int, rows: Int, _ b: UnsafePointer<Element>,
    _ bStride: Int, depth: Int,
    _ c: UnsafeMutablePointer<Float>, _ cStride: Int
) {
    let (i5, i6, i7) = (min(5, rows - 1), min(6, rows - 1), min(7, rows - 1))
    let (a1, a2, a3, a4) = unsafe (a + aStride, a + 2 * aStride, a + 3 * aStride, a + 4 * aStride)
    let (a5, a6, a7) = unsafe (a + i5 * aStride, a + i6 * aStride, a + i7 * aStride)
    var (c00, c01, c10, c11) = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
    var (c20, c21, c30, c31, c40, c41) = (c00, c00, c00, c00, c00, c00)
    var (c50, c51, c60, c61, c70, c71) = (c00, c00, c00, c00, c00, c00)
    var (b, column) = unsafe (b, 0)
    for _ in 0..<depth {
        let (left, right) = unsafe (Element.lanes(at: b), Element.lanes(at: b + 16))
        unsafe add(a[column], left, right, to: &c00, &c01)
        unsafe add(a1[column], left, right, to: &c10, &c11)
        unsafe add(a2[column], left, right, to: &c20, &c21)
        unsafe add(a3[column], left, right, to: &c30, &c31)
        unsafe add(a4[column], left, right, to: &c40, &c41)
        unsafe add(a5[column], left, right, to: &c50, &c51)
        unsafe add(a6[column], left, right, to: &c60, &c61)
        unsafe add(a7[column], left, right, to: &c70, &c71)
        column &+= aColumnStride
        unsafe b += bStride
    }
    unsafe put(c00, c01, c)
    unsafe put(c10, c11, c + cStride)
    unsafe put(c20, c21, c + 2 * cStride)
    unsafe put(c30, c31, c + 3 * cStride)
    unsafe put(c40, c41, c + 4 * cStride)
    unsafe put(c50, c51, c + i5 * cStride)
    unsafe put(c60, c61, c + i6 * cStride)
    unsafe put(c70, c71, c + i7 * cStride)
}

@inline(__always)
private func add<Element: TileElement>(
    _ x: Element, _ left: Element.Lanes, _ right: Element.Lanes, to first: inout SIMD16<Float>,
    _ second: inout SIMD16<Float>
) {
    let x = Element.lanes(repeating: x)
    first = Element.add(x, times: left, to: first)
    second = Element.add(x, times: right, to: second)
}

@unsafe @inline(__always)
private func put(_ left: SIMD16<Float>, _ right: SIMD16<Float>, _ c: UnsafeMutablePointer<Float>) {
    unsafe store(left, c)
    unsafe store(right, c + 16)
}
