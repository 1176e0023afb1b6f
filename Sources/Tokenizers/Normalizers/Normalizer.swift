/// The first stage of the pipeline: rewrites a text before it is cut.
indirect enum Normalizer: Sendable {
    case bert(BertNormalizer)
    case form(UnicodeForm)
    case lowercase
    /// Removes combining marks of every kind.
    case stripAccents
    /// Removes white space at the ends.
    case strip(left: Bool, right: Bool)
    case nmt
    case precompiled(Charsmap)
    case replace(Pattern, content: [UInt8])
    case prepend([UInt32])
    /// Turns every byte into a printable code point of its own.
    case byteLevel
    case sequence([Normalizer])

    func apply(_ text: inout AlignedText) {
        switch self {
        case .bert(let normalizer): normalizer.apply(&text)
        case .form(let form): text.normalize(form)
        case .lowercase: text.lowercase()
        case .stripAccents: text.filter { !FrozenProperties($0).contains(.combiningMark) }
        case .strip(let left, let right): text.strip(left: left, right: right)
        case .nmt: NeuralTranslationCleaning.apply(&text)
        case .precompiled(let charsmap): charsmap.apply(&text)
        case .replace(let pattern, let content):
            let matches = pattern.ranges(in: text.bytes).filter(\.isMatch).map(\.range)
            text.replace(matches, with: content)
        case .prepend(let prefix): text.prepend(prefix)
        case .byteLevel: ByteLevelAlphabet.encode(&text)
        case .sequence(let normalizers): for normalizer in normalizers { normalizer.apply(&text) }
        }
    }

    /// Whether a text certainly stays as it is, as far as a glance tells.
    func keeps(_ text: Span<UInt8>) -> Bool {
        switch self {
        case .form, .stripAccents:
            for i in text.indices where text[i] >= 0x80 { return false }
            return true
        case .lowercase:
            for i in text.indices where text[i] >= 0x80 || text[i] &- 0x41 < 26 { return false }
            return true
        case .precompiled(let charsmap): return charsmap.keeps(text)
        case .replace(.literal(let literal), _):
            guard let first = literal.first else { return true }
            for i in text.indices where text[i] == first { return false }
            return true
        case .sequence(let normalizers): return normalizers.allSatisfy { $0.keeps(text) }
        default: return false
        }
    }

    /// A text's normalized bytes, where nobody asks for offsets.
    func normalized(_ bytes: [UInt8]) -> [UInt8] {
        var text = AlignedText(bytes: bytes)
        apply(&text)
        return text.bytes
    }
}

extension AlignedText {
    /// Removes white space at the ends.
    mutating func strip(left: Bool, right: Bool) {
        let old = bytes
        let span = old.span
        var scalars: [UInt32] = []
        var i = 0
        while i < span.count {
            let (scalar, length) = UTF8Code.decode(span, at: i)
            scalars.append(scalar)
            i += length
        }
        func isSpace(_ scalar: UInt32) -> Bool { FrozenProperties(scalar).contains(.whitespace) }
        let leading = left ? scalars.prefix(while: isSpace).count : 0
        let trailing = right ? scalars.reversed().prefix(while: isSpace).count : 0
        if leading == 0, trailing == 0 { return }
        rewrite(removingFirst: leading) { rewriter, _ in
            for scalar in scalars.dropFirst(leading).dropLast(trailing) { rewriter.emit(scalar, change: 0) }
        }
    }
}

/// The cleaning of texts for neural machine translation.
///
/// Source: SentencePiece, `nmt_nfkc`; Hugging Face tokenizers 0.23.3, `Nmt`.
enum NeuralTranslationCleaning {
    static func apply(_ text: inout AlignedText) {
        text.filter { scalar in
            switch scalar {
            case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: false
            default: true
            }
        }
        text.mapScalars { scalar in
            switch scalar {
            case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: 0x20
            default: scalar
            }
        }
    }
}
