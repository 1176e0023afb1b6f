import CPlatform

/// The sum of all values, in sixteen lanes: ten times as fast as one after the other, and more exact.
@unsafe
func sum(_ values: UnsafeBufferPointer<Float>) -> Float {
    var lanes = SIMD16<Float>.zero
    let whole = values.count & ~15
    for i in stride(from: 0, to: whole, by: 16) { unsafe lanes += loadLanes(values, i) }
    var result = total(lanes)
    for i in whole..<values.count { unsafe result += values[i] }
    return result
}

/// The scalar product, in sixteen lanes.
@unsafe
func dot(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>) -> Float {
    precondition(a.count == b.count, "dot: \(a.count) and \(b.count) values")
    guard let x = a.baseAddress, let y = b.baseAddress else { return 0 }
    return unsafe dot(UnsafeRawPointer(x), UnsafeRawPointer(y), count: a.count)
}

/// The scalar product of values that are aligned in no particular way.
@unsafe @inline(__always)
func dot(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, count: Int) -> Float {
    var lanes = SIMD16<Float>.zero
    let whole = count & ~15
    for i in stride(from: 0, to: whole, by: 16) {
        unsafe lanes +=
            a.loadUnaligned(fromByteOffset: 4 * i, as: SIMD16<Float>.self)
            * b.loadUnaligned(fromByteOffset: 4 * i, as: SIMD16<Float>.self)
    }
    var result = total(lanes)
    for i in whole..<count { unsafe result += float(a, i) * float(b, i) }
    return result
}

/// The Euclidean length of values that are aligned in no particular way: where the sum of their squares in f32 may have
/// lost something at either end of the range, it is taken again in f64.
@unsafe
func length(_ values: UnsafeRawPointer, count: Int) -> Double {
    var square = Double(unsafe dot(values, values, count: count))
    if !(1e-25...1e30).contains(square) {
        square = (0..<count).reduce(0) { sum, i in
            let value = unsafe Double(float(values, i))
            return sum + value * value
        }
    }
    return square.squareRoot()
}

@unsafe @inline(__always)
private func float(_ values: UnsafeRawPointer, _ index: Int) -> Float {
    unsafe values.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
}

/// The largest value, of whole groups of sixteen.
@unsafe @inline(__always)
func maximum(_ values: UnsafePointer<Float>, count: Int) -> Float {
    precondition(count % 16 == 0, "maximum of \(count) values")
    if count >= 64 { return unsafe maximumOfMany(values, count: count) }
    var highest = SIMD16<Float>(repeating: -.infinity)
    for i in stride(from: 0, to: count, by: 16) { unsafe raise(&highest, to: lanes(values + i)) }
    return largest(highest)
}

/// Four groups at a time, as each has to wait for the one before.
@unsafe @inline(never)
private func maximumOfMany(_ values: UnsafePointer<Float>, count: Int) -> Float {
    // Below all numbers, so that a NaN is passed over wherever it stands.
    var a = SIMD16<Float>(repeating: -.infinity)
    var (b, c, d) = (a, a, a)
    let whole = count & ~63
    for i in stride(from: 0, to: whole, by: 64) {
        unsafe raise(&a, to: lanes(values + i))
        unsafe raise(&b, to: lanes(values + i + 16))
        unsafe raise(&c, to: lanes(values + i + 32))
        unsafe raise(&d, to: lanes(values + i + 48))
    }
    for i in stride(from: whole, to: count, by: 16) { unsafe raise(&a, to: lanes(values + i)) }
    raise(&a, to: b)
    raise(&c, to: d)
    raise(&a, to: c)
    return largest(a)
}

@inline(__always)
private func raise(_ highest: inout SIMD16<Float>, to values: SIMD16<Float>) {
    highest.replace(with: values, where: values .> highest)
}

@unsafe @inline(__always)
func loadLanes(_ values: UnsafeBufferPointer<Float>, _ index: Int) -> SIMD16<Float> {
    unsafe lanes(values.baseAddress! + index)
}

@unsafe @inline(__always)
func storeLanes(_ lanes: SIMD16<Float>, _ values: UnsafeMutableBufferPointer<Float>, _ index: Int) {
    unsafe store(lanes, values.baseAddress! + index)
}

/// Sixteen values, wherever they begin.
@unsafe @inline(__always)
func lanes(_ pointer: UnsafePointer<Float>) -> SIMD16<Float> {
    unsafe UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<Float>.self)
}

@unsafe @inline(__always)
func store(_ lanes: SIMD16<Float>, _ pointer: UnsafeMutablePointer<Float>) {
    unsafe UnsafeMutableRawPointer(pointer).storeBytes(of: lanes, as: SIMD16<Float>.self)
}

@unsafe @inline(__always)
func store(_ lanes: SIMD16<UInt16>, _ pointer: UnsafeMutablePointer<UInt16>) {
    unsafe UnsafeMutableRawPointer(pointer).storeBytes(of: lanes, as: SIMD16<UInt16>.self)
}

@inline(__always)
func total(_ lanes: SIMD16<Float>) -> Float { cplatform_total(lanes) }

@inline(__always)
func largest(_ lanes: SIMD16<Float>) -> Float { cplatform_largest(lanes) }
