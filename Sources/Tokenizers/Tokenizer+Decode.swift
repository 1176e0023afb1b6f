extension Tokenizer {
    /// The text that ids stand for. Ids that no token has are left out.
    public func decode(_ ids: [Int32], skipSpecialTokens: Bool = true) -> String {
        if case .sentencePiece(let model) = pipeline.model { return model.decode(ids) }
        var tokens: [[UInt8]] = []
        for id in ids {
            if let added = table.added[id] {
                if skipSpecialTokens, added.special { continue }
                tokens.append(pipeline.normalizedContent(of: added))
            } else if let bytes = table.model.vocabulary.bytes(of: id) {
                if skipSpecialTokens, isSpecial(bytes) { continue }
                tokens.append(Array(bytes))
            }
        }
        guard let decoder = pipeline.decoder else {
            return String(decoding: Array(tokens.joined(separator: [0x20])), as: UTF8.self)
        }
        return String(decoding: decoder.decode(tokens).joined(), as: UTF8.self)
    }

    private func isSpecial(_ bytes: ArraySlice<UInt8>) -> Bool {
        addedTokens.contains { $0.special && $0.content.utf8.elementsEqual(bytes) }
    }
}

/// Decodes ids one after another and gives out text as soon as it is certain.
///
/// Source: Hugging Face tokenizers 0.23.3, `DecodeStream`.
public struct DecodingStream: Sendable {
    private let tokenizer: Tokenizer
    private let skipSpecialTokens: Bool
    private var ids: [Int32] = []
    private var prefix: [UInt8] = []
    private var prefixIndex = 0

    public init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool = true) {
        self.tokenizer = tokenizer
        self.skipSpecialTokens = skipSpecialTokens
    }

    /// The text that an id adds, or `nil` while it ends inside a code point.
    public mutating func append(_ id: Int32) -> String? {
        ids.append(id)
        let text = Array(tokenizer.decode(ids, skipSpecialTokens: skipSpecialTokens).utf8)
        guard text.count > prefix.count, !text.suffix(3).elementsEqual([0xEF, 0xBF, 0xBD]) else { return nil }
        let new = String(decoding: text.dropFirst(prefix.count), as: UTF8.self)
        let index = ids.count - prefixIndex
        ids.removeFirst(prefixIndex)
        prefix = Array(tokenizer.decode(ids, skipSpecialTokens: skipSpecialTokens).utf8)
        prefixIndex = index
        return new
    }
}
