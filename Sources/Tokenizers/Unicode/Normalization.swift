import CICU

/// Unicode's normalization data, as old as the reference's: code points younger than Unicode 9 do not decompose,
/// compose or reorder.
///
/// The stability policy guarantees that ICU's data for older code points are those of Unicode 9.
enum NormalizationData {
    private static let youngestAge: Int32 = 9 * 256

    static func combiningClass(_ scalar: UInt32) -> UInt8 {
        if scalar < 0x300 { return 0 }
        let value = cicu_combining_class(scalar)
        return value == 0 || cicu_age(scalar) > youngestAge ? 0 : UInt8(truncatingIfNeeded: value)
    }

    /// Whether a code point certainly has no decomposition and the combining class 0.
    @inline(__always)
    static func isInert(_ scalar: UInt32, compatibility: Bool) -> Bool {
        scalar < 0xA0 || cicu_is_inert(scalar, compatibility)
    }

    /// The full decomposition, or nothing where the code point stands for itself.
    static func decomposition(_ scalar: UInt32, compatibility: Bool) -> [UInt32] {
        if isInert(scalar, compatibility: compatibility) { return [] }
        var output = [UInt32](repeating: 0, count: Int(CICU_MAX_DECOMPOSITION))
        let count = unsafe output.withUnsafeMutableBufferPointer { buffer in
            unsafe cicu_decompose(scalar, compatibility, buffer.baseAddress)
        }
        if count == 0 || cicu_age(scalar) > youngestAge { return [] }
        return Array(output[..<Int(count)])
    }

    /// The canonical composition of two code points, or `nil`.
    static func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
        let composed = cicu_compose(first, second)
        return composed == 0 || cicu_age(composed) > youngestAge ? nil : composed
    }
}
