/// `C = A·B` for one to four rows and 32 columns: eight sums in registers, enough to keep two multipliers busy.
@unsafe @inline(__always)
func multiplyTile(
    _ a: UnsafePointer<Float>, _ aStride: Int, _ aColumnStride: Int = 1, rows: Int, _ b: UnsafePointer<Float>,
    _ bStride: Int, depth: Int,
    _ c: UnsafeMutablePointer<Float>, _ cStride: Int
) {
    // Rows that are not there are computed as copies of the last, and written to its place.
    let (second, third, fourth) = (min(1, rows - 1), min(2, rows - 1), min(3, rows - 1))
    let (a1, a2, a3) = unsafe (a + second * aStride, a + third * aStride, a + fourth * aStride)
    var (c00, c01, c10, c11) = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
    var (c20, c21, c30, c31) = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
    var b = unsafe b
    for k in 0..<depth {
        let (left, right) = unsafe (lanes(b), lanes(b + 16))
        unsafe b += bStride
        let (x0, x1) = unsafe (SIMD16(repeating: a[k * aColumnStride]), SIMD16(repeating: a1[k * aColumnStride]))
        let (x2, x3) = unsafe (SIMD16(repeating: a2[k * aColumnStride]), SIMD16(repeating: a3[k * aColumnStride]))
        c00 = multiplyAdd(x0, left, c00)
        c01 = multiplyAdd(x0, right, c01)
        c10 = multiplyAdd(x1, left, c10)
        c11 = multiplyAdd(x1, right, c11)
        c20 = multiplyAdd(x2, left, c20)
        c21 = multiplyAdd(x2, right, c21)
        c30 = multiplyAdd(x3, left, c30)
        c31 = multiplyAdd(x3, right, c31)
    }
    unsafe store(c00, c)
    unsafe store(c01, c + 16)
    unsafe store(c10, c + second * cStride)
    unsafe store(c11, c + second * cStride + 16)
    unsafe store(c20, c + third * cStride)
    unsafe store(c21, c + third * cStride + 16)
    unsafe store(c30, c + fourth * cStride)
    unsafe store(c31, c + fourth * cStride + 16)
}
