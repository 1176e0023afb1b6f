import Glibc

/// One line of a text file of vectors: a word and its numbers, with blanks or tabs between them.
enum TextRow {
    static func fields(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        line.split { isBlank($0) || $0 == 0x0D }
    }

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    static func number(_ field: ArraySlice<UInt8>) -> Float? {
        unsafe field.withUnsafeBytes { unsafe number($0) }
    }

    /// A decimal number as binary32; also `nan` and `inf`.
    ///
    /// Up to fifteen digits and powers of ten up to 22 are exact in binary64, so that one division or product rounds
    /// once; the rest is the C library's business.
    ///
    /// Source: Clinger 1990, "How to Read Floating Point Numbers Accurately".
    static func number(_ bytes: UnsafeRawBufferPointer) -> Float? {
        var i = 0
        let count = bytes.count
        var isNegative = false
        if i < count, unsafe bytes[i] == 0x2D || bytes[i] == 0x2B {
            isNegative = unsafe bytes[i] == 0x2D
            i += 1
        }
        var (mantissa, exponent, digits) = (UInt64(0), 0, 0)
        var isFraction = false
        while i < count {
            let byte = unsafe bytes[i]
            if byte == 0x2E, !isFraction {
                isFraction = true
            } else if byte &- 0x30 < 10 {
                mantissa = mantissa &* 10 &+ UInt64(byte &- 0x30)
                if mantissa > 0 || digits > 0 { digits += 1 }
                if isFraction { exponent -= 1 }
            } else {
                break
            }
            i += 1
        }
        guard i == count, i > 0, digits > 0 || mantissa == 0, digits <= 15, exponent >= -22,
            unsafe bytes.contains(where: { $0 &- 0x30 < 10 })
        else { return unsafe slowNumber(bytes) }
        let value = Double(mantissa) / powersOfTen[-exponent]
        return Float(isNegative ? -value : value)
    }

    private static let powersOfTen: [Double] = (0...22).map { exponent in
        (0..<exponent).reduce(1.0) { value, _ in value * 10 }
    }

    private static func slowNumber(_ bytes: UnsafeRawBufferPointer) -> Float? {
        // strtod also takes leading blanks and hexadecimal digits, which no writer of vectors has.
        guard let first = unsafe bytes.first, first > 0x20, bytes.count < 64,
            unsafe !bytes.contains(where: { $0 == 0x78 || $0 == 0x58 || $0 == 0 })
        else { return nil }
        let text = unsafe Array(bytes) + [0]
        return unsafe text.withUnsafeBytes { text in
            let start = unsafe text.baseAddress!.assumingMemoryBound(to: CChar.self)
            var end: UnsafeMutablePointer<CChar>?
            let value = unsafe strtod(start, &end)
            guard let end = unsafe end, unsafe UnsafePointer(end) == start + bytes.count else { return nil }
            return Float(value)
        }
    }
}
