import JSON
import SystemPackage

/// Reads `vocab.json` and `merges.txt`: byte-level BPE as RoBERTa has it.
///
/// Source: Hugging Face transformers 5.23, `tokenization_roberta.py`.
enum MergesText {
    static func read(_ vocabularyFile: FilePath, _ mergesFile: FilePath, _ companions: CompanionFiles)
        throws(TokenizerError) -> TokenizerParts
    {
        let name = companions.string("tokenizer_class") ?? "RobertaTokenizer"
        guard ["RobertaTokenizer", "RobertaTokenizerFast", "LongformerTokenizer"].contains(name) else {
            throw .unsupportedPiece(mergesFile, stage: "tokenizer_class", type: name)
        }
        let vocabularyBytes = try readFile(vocabularyFile)
        var raw = RawModel()
        do throws(JSONError) {
            var reader = JSONReader(vocabularyBytes)
            try raw.readVocabulary(&reader)
            try reader.expectEnd()
        } catch {
            throw .invalidJSON(vocabularyFile, error)
        }
        guard let vocabulary = raw.vocabulary, vocabulary.count > 0 else { throw .emptyVocabulary(vocabularyFile) }
        let text = try readFile(mergesFile)
        if let offset = VocabularyText.invalidUTF8(text) { throw .invalidUTF8(mergesFile, byte: offset) }
        let lines = text.split(separator: 0x0A).map { line in line.last == 0x0D ? line.dropLast() : line }
        let model = Model.bytePairEncoding(
            BytePairEncoding(
                vocabulary: vocabulary,
                merges: try RawModel.mergeTable(
                    lines.filter { !$0.starts(with: "#version".utf8) }.map { ($0, nil) }, vocabulary, prefixLength: 0,
                    mergesFile)))
        func token(_ role: String, _ standard: String) throws(TokenizerError) -> (id: Int32, token: String) {
            let text = companions.roles[role] ?? standard
            guard let id = vocabulary.id(text) else {
                throw .missingToken(vocabularyFile, stage: "post_processor", token: text)
            }
            return (id, text)
        }
        let cls = try token("cls_token", "<s>")
        let sep = try token("sep_token", "</s>")
        let addPrefixSpace = companions.bool("add_prefix_space") ?? false
        var parts = TokenizerParts(model: model)
        parts.preTokenizer = .byteLevel(addPrefixSpace: addPrefixSpace, usesPattern: true)
        parts.postProcessor = .roberta(cls: cls, sep: sep)
        parts.postProcessor.trimmings = [PostProcessor.OffsetTrimming(addPrefixSpace: addPrefixSpace)]
        parts.decoder = .byteLevel
        var added = AddedTokenList(model: model)
        for token in [
            cls.token, sep.token, companions.roles["pad_token"] ?? "<pad>", companions.roles["unk_token"] ?? "<unk>",
        ] {
            added.append(AddedToken(id: -1, content: token))
        }
        added.append(AddedToken(id: -1, content: companions.roles["mask_token"] ?? "<mask>", lstrip: true))
        for token in companions.addedTokens { added.append(token) }
        parts.addedTokens = added.tokens
        parts.roles = companions.roles
        return parts
    }
}
