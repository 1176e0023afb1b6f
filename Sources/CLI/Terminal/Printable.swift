extension String {
    /// The text with control characters, line breaks among them, as `\u{1B}`: a name out of a file cannot move the
    /// terminal's cursor, change its colours or look like another line. Neither can marks that turn the writing around.
    var printable: String {
        if !unicodeScalars.contains(where: \.isControl) { return self }
        return unicodeScalars.map { $0.isControl ? $0.escaped(asASCII: true) : String($0) }.joined()
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: 0x202A...0x202E ~= value || 0x2066...0x2069 ~= value
        }
    }
}
