import JSON
import SystemPackage

/// Reads a `vocab.txt`: one WordPiece token a line, numbered from 0, with what `tokenizer_config.json` says beside it.
enum VocabularyText {
    static func read(_ file: FilePath, _ configuration: CompanionFiles) throws(TokenizerError) -> TokenizerParts {
        let bytes = try readFile(file)
        if let offset = invalidUTF8(bytes) { throw .invalidUTF8(file, byte: offset) }
        var vocabulary = Vocabulary(capacity: bytes.count / 6 + 16)
        var start = 0
        var id: Int32 = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            var stop = end
            while stop > start, bytes[stop - 1] == 0x0D { stop -= 1 }
            vocabulary.insert(bytes.span.extracting(start..<stop), id: id)
            id += 1
            start = end + 1
        }
        if vocabulary.count == 0 { throw .emptyVocabulary(file) }
        var roles = [
            "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
            "mask_token": "[MASK]",
        ]
        roles.merge(configuration.roles) { $1 }
        func required(_ role: String) throws(TokenizerError) -> (id: Int32, token: String) {
            let token = roles[role] ?? ""
            guard let id = vocabulary.id(token) else {
                if role == "unk_token" { throw .missingUnknownToken(file, token: token) }
                throw .missingToken(file, stage: "post_processor", token: token)
            }
            return (id, token)
        }
        let model = Model.wordPiece(
            WordPiece(
                vocabulary: vocabulary, unknownID: try required("unk_token").id, continuingSubwordPrefix: "##",
                maxInputCharsPerWord: 100))
        var parts = TokenizerParts(model: model)
        var normalizer = BertNormalizer()
        normalizer.lowercase = configuration.bool("do_lower_case") ?? true
        normalizer.stripAccents = configuration.bool("strip_accents")
        normalizer.handleChineseChars = configuration.bool("tokenize_chinese_chars") ?? true
        parts.normalizer = .bert(normalizer)
        parts.preTokenizer = .bert
        parts.postProcessor = .bert(cls: try required("cls_token"), sep: try required("sep_token"))
        parts.decoder = .wordPiece(prefix: "##", cleansUp: true)
        var added = AddedTokenList(model: model)
        for role in ["unk_token", "sep_token", "pad_token", "cls_token", "mask_token"] {
            if let token = roles[role], vocabulary.id(token) != nil { added.append(AddedToken(id: -1, content: token)) }
        }
        for token in configuration.addedTokens { added.append(token) }
        parts.addedTokens = added.tokens
        parts.roles = roles
        return parts
    }

    /// The offset of the first byte that is not UTF-8.
    static func invalidUTF8(_ bytes: [UInt8]) -> Int? {
        do {
            _ = try UTF8Span(validating: bytes.span)
            return nil
        } catch {
            return error.byteOffsets.lowerBound
        }
    }
}
