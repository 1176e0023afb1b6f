/// BERT's cleaning: control characters go, white space becomes blanks, Chinese characters stand alone, accents and
/// case go where the model was trained without them.
///
/// Source: Devlin et al. 2019, "BERT", `tokenization.py`; Hugging Face tokenizers 0.23.3, `BertNormalizer`.
struct BertNormalizer: Equatable, Sendable {
    var cleanText = true
    var handleChineseChars = true
    /// `nil` follows `lowercase`.
    var stripAccents: Bool?
    var lowercase = true

    var stripsAccents: Bool { stripAccents ?? lowercase }

    func apply(_ text: inout AlignedText) {
        if cleanText {
            text.filter { !Self.isRemoved($0) }
            text.mapScalars { FrozenProperties($0).contains(.whitespace) ? 0x20 : $0 }
        }
        if handleChineseChars {
            text.map { scalar, rewriter in
                if Self.isChinese(scalar) {
                    rewriter.emit(0x20, change: 0)
                    rewriter.emit(scalar, change: 1)
                    rewriter.emit(0x20, change: 1)
                } else {
                    rewriter.emit(scalar, change: 0)
                }
            }
        }
        if stripsAccents {
            text.normalize(.canonicalDecomposition)
            text.filter { !FrozenProperties($0).contains(.nonspacingMark) }
        }
        if lowercase { text.lowercase() }
    }

    /// Whether `cleanText` removes a code point.
    static func isRemoved(_ scalar: UInt32) -> Bool {
        if scalar < 0x7F { return scalar < 0x20 && scalar != 0x09 && scalar != 0x0A && scalar != 0x0D }
        return scalar == 0xFFFD || FrozenProperties(scalar).contains(.control)
    }

    /// The reference's blocks of Chinese characters. Its fifth one begins at U+2B920, where BERT's own begins at
    /// U+2B820.
    static func isChinese(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }
}

extension AlignedText {
    /// Lowercases code point by code point, without context.
    mutating func lowercase() {
        map { scalar, rewriter in
            if scalar == Lowercase.capitalIWithDotAbove {
                rewriter.emit(0x69, change: 0)
                rewriter.emit(0x307, change: 1)
            } else {
                rewriter.emit(Lowercase.simple(scalar), change: 0)
            }
        }
    }
}
