import CICU

/// A writing system, such as Latin or Cyrillic.
///
/// Source: Unicode Standard Annex #24, "Unicode Script Property".
public struct Script: Hashable, Sendable {
    /// ICU's number.
    let number: Int32

    /// What is used with many scripts, such as digits and blanks.
    public static let common = Script(number: 0)
    /// Marks that take the script of what they stand on.
    public static let inherited = Script(number: 1)

    static let han = Script(code: "Hani")

    init(number: Int32) { self.number = number }

    init(_ scalar: UInt32) { number = cicu_script_number(scalar) }

    /// - Parameter code: the ISO 15924 code, such as `Latn`.
    public init?(code: String) {
        let number = unsafe code.withCString { text in unsafe cicu_script_of_code(text) }
        self.init(number: number)
        guard number >= 0, self.code == code else { return nil }
    }

    /// The script of one code point by itself: `Zyyy` (common) or `Zinh` (inherited) where it has none of its own.
    public init(of scalar: Unicode.Scalar) { self.init(scalar.value) }

    /// The ISO 15924 code, such as `Latn`.
    public var code: String {
        guard let code = unsafe cicu_script_code(number) else { return "Zzzz" }
        return unsafe String(cString: code)
    }

    /// Unicode's name, such as `Latin`.
    public var name: String {
        guard let name = unsafe cicu_script_name(number) else { return "Unknown" }
        return unsafe String(cString: name)
    }
}

extension Script: CustomStringConvertible {
    public var description: String { code }
}
