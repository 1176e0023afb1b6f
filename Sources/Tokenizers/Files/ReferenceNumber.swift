/// Reads a decimal number as the reference does, which is not always to the nearest `Double`: pieces whose total scores
/// tie are told apart by the last bit.
///
/// Source: serde_json 1.0 without its `float_roundtrip` feature.
enum ReferenceNumber {
    private static let powers: [Double] = (0...308).map { Double("1e\($0)") ?? .infinity }

    /// - Parameter text: a number by JSON's grammar.
    static func parse(_ text: String) -> Double {
        var significand: UInt64 = 0
        var exponent = 0
        var isNegative = false
        var isFraction = false
        var isFull = false
        var written = 0
        var isWrittenNegative = false
        var isExponent = false
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "-"): if isExponent { isWrittenNegative = true } else { isNegative = true }
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"): isExponent = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let digit = UInt64(byte - UInt8(ascii: "0"))
                if isExponent {
                    written = min(written * 10 + Int(digit), 100_000)
                    continue
                }
                // Digits beyond 64 bits do not count; in front of the point they still move it.
                let (product, overflows) = significand.multipliedReportingOverflow(by: 10)
                let (sum, carries) = product.addingReportingOverflow(digit)
                if isFull || overflows || carries {
                    isFull = true
                    if !isFraction { exponent += 1 }
                } else {
                    significand = sum
                    if isFraction { exponent -= 1 }
                }
            default: break
            }
        }
        exponent += isWrittenNegative ? -written : written
        var value = Double(significand)
        while exponent < -308, value != 0 {
            value /= powers[308]
            exponent += 308
        }
        if value != 0 { value = exponent < 0 ? value / powers[-exponent] : value * powers[min(exponent, 308)] }
        return isNegative ? -value : value
    }
}
