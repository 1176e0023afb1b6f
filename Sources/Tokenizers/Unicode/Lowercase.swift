/// Lowercasing one code point at a time, without context, as the reference does.
enum Lowercase {
    /// The lowercase of a code point. U+0130 has two code points and is the callers' business.
    static func simple(_ scalar: UInt32) -> UInt32 {
        if scalar < 0x80 { return scalar &- 0x41 < 26 ? scalar | 0x20 : scalar }
        let runs = FrozenTables.lowercase
        var low = 0
        var high = runs.count / 4
        while low < high {
            let middle = (low + high) / 2
            if runs[4 * middle + 1] < Int32(scalar) { low = middle + 1 } else { high = middle }
        }
        guard low < runs.count / 4, runs[4 * low] <= Int32(scalar),
            (Int32(scalar) - runs[4 * low]) % runs[4 * low + 2] == 0
        else { return scalar }
        return UInt32(Int32(scalar) + runs[4 * low + 3])
    }

    /// Capital I with a dot above: the one code point whose lowercase is two, `i` and U+0307.
    static let capitalIWithDotAbove: UInt32 = 0x130
}
