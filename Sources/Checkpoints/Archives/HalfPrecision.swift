/// IEEE 754 binary16 to binary32, exact.
func float(fromHalf bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0: return Float(bitPattern: sign | 0x3F80_0000) * Float(fraction) * 0x1p-24
    case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}

/// IEEE 754 binary32 to binary16, to the nearest, ties to even. What is too large becomes infinite.
func half(_ value: Float) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
    let magnitude = value.magnitude
    if value.isNaN { return sign | 0x7E00 }
    // 65520 lies halfway between the largest value and the next power of two.
    if magnitude >= 65520 { return sign | 0x7C00 }
    // Below 2^-14 the values are multiples of 2^-24; adding 0.5 lets the addition round to that.
    if magnitude < 0x1p-14 { return sign | UInt16((magnitude + 0.5).bitPattern - (0.5 as Float).bitPattern) }
    let bits = magnitude.bitPattern
    let rounded = bits + 0xFFF + (bits >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded >> 13) - (112 << 10))
}

/// binary32 to its upper half, to the nearest, ties to even.
func brain(_ value: Float) -> UInt16 {
    if value.isNaN { return UInt16(truncatingIfNeeded: value.bitPattern >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (value.bitPattern + 0x7FFF + (value.bitPattern >> 16 & 1)) >> 16)
}
