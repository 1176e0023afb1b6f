/// The last stage: tokens' texts back to a text.
///
/// Source: Hugging Face tokenizers 0.23.3, `decoders`.
indirect enum Decoder: Sendable {
    case bytePairEncoding(suffix: String)
    case byteLevel
    case wordPiece(prefix: String, cleansUp: Bool)
    case metaspace(replacement: Unicode.Scalar, dropsFirst: Bool)
    case ctc(padToken: String, wordDelimiter: String, cleansUp: Bool)
    case replace(Pattern, content: [UInt8])
    case fuse
    case strip(content: Unicode.Scalar, start: Int, stop: Int)
    case byteFallback
    case sequence([Decoder])

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        switch self {
        case .bytePairEncoding(let suffix):
            return tokens.enumerated().map { i, token in
                token.replacing(Array(suffix.utf8), with: i == tokens.count - 1 ? [] : [0x20])
            }
        case .byteLevel:
            let bytes = tokens.flatMap { ByteLevelAlphabet.decode($0) ?? $0 }
            return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
        case .wordPiece(let prefix, let cleansUp):
            let prefix = Array(prefix.utf8)
            return tokens.enumerated().map { i, token in
                var token = token
                if i > 0 { token = token.starts(with: prefix) ? Array(token.dropFirst(prefix.count)) : [0x20] + token }
                return cleansUp ? Self.cleanUp(token) : token
            }
        case .metaspace(let replacement, let dropsFirst):
            return tokens.enumerated().map { i, token in
                let mark = Array(String(replacement).utf8)
                return token.replacing(mark, with: i == 0 && dropsFirst ? [] : [0x20])
            }
        case .ctc(let padToken, let wordDelimiter, let cleansUp):
            var result: [[UInt8]] = []
            for (i, token) in tokens.enumerated() where i == 0 || tokens[i - 1] != token {
                var text = token.replacing(Array(padToken.utf8), with: [])
                if cleansUp { text = Self.cleanUp(text).replacing(Array(wordDelimiter.utf8), with: [0x20]) }
                if !text.isEmpty { result.append(text) }
            }
            return result
        case .replace(let pattern, let content):
            return tokens.map { token in
                pattern.ranges(in: token).flatMap { $0.isMatch ? content : Array(token[$0.range]) }
            }
        case .fuse: return [tokens.flatMap { $0 }]
        case .strip(let content, let start, let stop):
            return tokens.map { token in
                let scalars = Array(String(decoding: token, as: UTF8.self).unicodeScalars)
                let first = scalars.prefix(start).prefix { $0 == content }.count
                let last = scalars.suffix(stop).reversed().prefix { $0 == content }.count
                guard first + last <= scalars.count else { return [] }
                return scalars[first..<scalars.count - last].flatMap { Array(String($0).utf8) }
            }
        case .byteFallback: return Self.joinBytes(tokens)
        case .sequence(let members): return members.reduce(tokens) { $1.decode($0) }
        }
    }

    /// Takes back blanks that tokenization put before punctuation and English contractions.
    private static func cleanUp(_ text: [UInt8]) -> [UInt8] {
        let pairs = [
            (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
            (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
        ]
        return pairs.reduce(text) { $0.replacing(Array($1.0.utf8), with: Array($1.1.utf8)) }
    }

    /// Runs of byte tokens as text; where they are no UTF-8, a replacement character for each.
    private static func joinBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var bytes: [UInt8] = []
        func flush() {
            if bytes.isEmpty { return }
            if VocabularyText.invalidUTF8(bytes) == nil {
                result.append(bytes)
            } else {
                for _ in bytes { result.append([0xEF, 0xBF, 0xBD]) }
            }
            bytes.removeAll()
        }
        for token in tokens {
            if token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">"),
                let byte = UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
            {
                bytes.append(byte)
            } else {
                flush()
                result.append(token)
            }
        }
        flush()
        return result
    }
}

extension [UInt8] {
    /// Every occurrence of a text replaced, from the left.
    func replacing(_ old: [UInt8], with new: [UInt8]) -> [UInt8] {
        guard let first = old.first else { return self }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var i = 0
        while i < count {
            if self[i] == first, i + old.count <= count, self[i..<i + old.count].elementsEqual(old) {
                result.append(contentsOf: new)
                i += old.count
            } else {
                result.append(self[i])
                i += 1
            }
        }
        return result
    }
}
