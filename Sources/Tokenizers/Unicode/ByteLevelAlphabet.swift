/// A printable code point for every byte, so that byte-level models have texts for vocabularies.
///
/// Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", `encoder.py`.
enum ByteLevelAlphabet {
    /// The code point of each byte.
    static let scalars: [UInt32] = {
        var next: UInt32 = 256
        return (0..<256).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return UInt32(byte)
            default:
                next += 1
                return next - 1
            }
        }
    }()

    /// The byte of each code point, or -1.
    static let bytes: [Int16] = {
        var table = [Int16](repeating: -1, count: 512)
        for (byte, scalar) in scalars.enumerated() { table[Int(scalar)] = Int16(byte) }
        return table
    }()

    /// Turns every byte into its code point.
    static func encode(_ text: inout AlignedText) {
        if text.isEmpty { return }
        text.rewrite { rewriter, bytes in
            for i in bytes.indices {
                rewriter.emit(scalars[Int(bytes[i])], change: UTF8Code.isContinuation(bytes[i]) ? 1 : 0)
            }
        }
    }

    /// The bytes that a token stands for, or `nil` when it has other code points.
    static func decode(_ token: some Sequence<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        for scalar in String(decoding: Array(token), as: UTF8.self).unicodeScalars {
            guard scalar.value < 512, bytes[Int(scalar.value)] >= 0 else { return nil }
            result.append(UInt8(truncatingIfNeeded: bytes[Int(scalar.value)]))
        }
        return result
    }
}
