/// Properties of code points as the reference tokenizers see them, which is not how this system's ICU does.
///
/// The table is built once, at first use, from `FrozenTables`.
struct FrozenProperties: OptionSet, Sendable {
    let rawValue: UInt16

    static let control = FrozenProperties(rawValue: 1 << 0)
    static let nonspacingMark = FrozenProperties(rawValue: 1 << 1)
    static let combiningMark = FrozenProperties(rawValue: 1 << 2)
    static let punctuation = FrozenProperties(rawValue: 1 << 3)
    static let numeric = FrozenProperties(rawValue: 1 << 4)
    static let word = FrozenProperties(rawValue: 1 << 5)
    static let patternLetter = FrozenProperties(rawValue: 1 << 6)
    static let patternNumber = FrozenProperties(rawValue: 1 << 7)
    static let patternSpace = FrozenProperties(rawValue: 1 << 8)
    /// The White_Space property, which no version of Unicode has changed since 6.3.
    static let whitespace = FrozenProperties(rawValue: 1 << 9)

    @inline(__always)
    init(rawValue: UInt16) { self.rawValue = rawValue }

    @inline(__always)
    init(_ scalar: UInt32) { self.init(rawValue: Self.table[Int(scalar)]) }

    @inline(__always)
    static func isWhitespace(_ scalar: UInt32) -> Bool {
        if scalar < 0x80 { return scalar == 0x20 || (scalar >= 9 && scalar <= 13) }
        return FrozenProperties(scalar).contains(.whitespace)
    }

    /// One entry per code point.
    static let table: [UInt16] = {
        var table = [UInt16](repeating: 0, count: 0x110000)
        func mark(_ ranges: [UInt32], _ property: FrozenProperties) {
            for pair in stride(from: 0, to: ranges.count, by: 2) {
                for code in Int(ranges[pair])...Int(ranges[pair + 1]) { table[code] |= property.rawValue }
            }
        }
        mark(FrozenTables.control, .control)
        mark(FrozenTables.nonspacingMark, .nonspacingMark)
        mark(FrozenTables.combiningMark, .combiningMark)
        mark(FrozenTables.punctuation, .punctuation)
        mark(FrozenTables.numeric, .numeric)
        mark(FrozenTables.word, .word)
        mark(FrozenTables.patternLetter, .patternLetter)
        mark(FrozenTables.patternNumber, .patternNumber)
        mark(FrozenTables.patternSpace, .patternSpace)
        mark(
            [
                0x09, 0x0D, 0x20, 0x20, 0x85, 0x85, 0xA0, 0xA0, 0x1680, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029, 0x202F,
                0x202F, 0x205F, 0x205F, 0x3000, 0x3000,
            ], .whitespace)
        return table
    }()
}
