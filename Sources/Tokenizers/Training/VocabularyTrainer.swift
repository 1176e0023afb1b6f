import CSentencePiece
import JSON
public import SystemPackage

/// Trains a new vocabulary from a corpus and writes a tokenizer's directory that this program and Hugging Face's read.
///
///     try VocabularyTrainer(kind: .wordPiece, vocabularySize: 8000).train(["corpus.txt"], output: "tokenizer")
public struct VocabularyTrainer: Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        /// BERT's: `tokenizer.json` and `vocab.txt`.
        case wordPiece = "wordpiece"
        /// Byte-level, RoBERTa's: `tokenizer.json`, `vocab.json` and `merges.txt`.
        case bytePairEncoding = "bpe"
        /// ALBERT's, trained by SentencePiece: `spiece.model`.
        case unigram = "unigram"
    }

    public var kind: Kind
    public var vocabularySize: Int
    /// Whether case and accents are dropped.
    public var lowercase: Bool
    /// How often a pair of symbols must stand in the corpus to be merged.
    public var minFrequency: Int
    public var threads: Int

    public init(
        kind: Kind, vocabularySize: Int, lowercase: Bool = true, minFrequency: Int = 2, threads: Int = 1
    ) {
        self.kind = kind
        self.vocabularySize = vocabularySize
        self.lowercase = lowercase
        self.minFrequency = minFrequency
        self.threads = threads
    }

    /// - Parameters:
    ///   - corpus: files of UTF-8 with one text a line.
    ///   - output: an existing directory.
    public func train(_ corpus: [FilePath], output: FilePath) throws(TokenizerError) {
        switch kind {
        case .wordPiece: try trainWordPiece(corpus, output)
        case .bytePairEncoding: try trainByteLevel(corpus, output)
        case .unigram: try trainUnigram(corpus, output)
        }
    }

    // MARK: Words

    /// The words of a corpus and how often each stands there, most frequent first.
    private func words(
        _ corpus: [FilePath], _ cut: (AlignedText) -> [Split]
    ) throws(TokenizerError) -> [(word: [UInt8], count: Int)] {
        var counts: [[UInt8]: Int] = [:]
        for file in corpus {
            let bytes = try readFile(file)
            if let offset = VocabularyText.invalidUTF8(bytes) { throw .invalidUTF8(file, byte: offset) }
            for line in bytes.split(separator: 0x0A) {
                for split in cut(AlignedText(bytes: Array(line))) { counts[split.text.bytes, default: 0] += 1 }
            }
        }
        if counts.isEmpty { throw .training(reason: "the corpus is empty") }
        return counts.map { ($0.key, $0.value) }.sorted {
            $0.count != $1.count ? $0.count > $1.count : $0.word.lexicographicallyPrecedes($1.word)
        }
    }

    /// Symbols that get their ids in the order in which they are asked for.
    private struct Symbols {
        private(set) var texts: [[UInt8]] = []
        private var ids: [[UInt8]: Int] = [:]

        mutating func id(_ text: [UInt8]) -> (id: Int, isNew: Bool) {
            if let id = ids[text] { return (id, false) }
            texts.append(text)
            ids[text] = texts.count - 1
            return (texts.count - 1, true)
        }
    }

    // MARK: WordPiece

    private func trainWordPiece(_ corpus: [FilePath], _ output: FilePath) throws(TokenizerError) {
        var normalizer = BertNormalizer()
        normalizer.lowercase = lowercase
        let found = try words(corpus) { text in
            var text = text
            normalizer.apply(&text)
            var splits = [Split(text: text)]
            PreTokenizer.bert.apply(&splits)
            return splits
        }
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        var symbols = Symbols()
        for token in special { _ = symbols.id(Array(token.utf8)) }
        let prefix = Array("##".utf8)
        // The alphabet first, the most frequent code points before rare ones.
        var alphabet: [[UInt8]: Int] = [:]
        var spelled: [[[UInt8]]] = []
        for (word, count) in found {
            let parts = Self.scalars(word).enumerated().map { $0 == 0 ? $1 : prefix + $1 }
            for part in parts { alphabet[part, default: 0] += count }
            spelled.append(parts)
        }
        let letters = alphabet.sorted {
            $0.value != $1.value ? $0.value > $1.value : $0.key.lexicographicallyPrecedes($1.key)
        }
        for letter in letters.prefix(max(0, vocabularySize - special.count)) { _ = symbols.id(letter.key) }
        // Words with letters that did not fit teach nothing.
        let alphabetSize = symbols.texts.count
        var known: [[UInt8]: Int] = [:]
        for (id, text) in symbols.texts.enumerated() { known[text] = id }
        var trainer = MergeTrainer(
            words: spelled.map { parts in
                let ids = parts.compactMap { known[$0] }
                return ids.count == parts.count ? ids : []
            }, counts: found.map(\.count))
        _ = trainer.run(limit: vocabularySize, symbols: alphabetSize, minimum: minFrequency) { left, right in
            symbols.id(symbols.texts[left] + symbols.texts[right].dropFirst(prefix.count))
        }
        var lines: [UInt8] = []
        for text in symbols.texts { lines += text + [0x0A] }
        try writeFile(lines, output.appending("vocab.txt"))
        try writeFile(
            TokenizerTemplates.wordPiece(symbols.texts, special: special, lowercase: lowercase),
            output.appending("tokenizer.json"))
        try writeFile(
            TokenizerTemplates.configuration([
                "tokenizer_class": .string("BertTokenizer"), "do_lower_case": .bool(lowercase),
            ]), output.appending("tokenizer_config.json"))
    }

    private static func scalars(_ word: [UInt8]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        for byte in word {
            if UTF8Code.isContinuation(byte), !result.isEmpty {
                result[result.count - 1].append(byte)
            } else {
                result.append([byte])
            }
        }
        return result
    }

    // MARK: Byte-level BPE

    private func trainByteLevel(_ corpus: [FilePath], _ output: FilePath) throws(TokenizerError) {
        let normalizer: Normalizer? = lowercase ? .lowercase : nil
        let found = try words(corpus) { text in
            var text = text
            normalizer?.apply(&text)
            var splits = [Split(text: text)]
            PreTokenizer.byteLevel(addPrefixSpace: true, usesPattern: true).apply(&splits)
            return splits
        }
        let special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        var symbols = Symbols()
        for token in special { _ = symbols.id(Array(token.utf8)) }
        for scalar in ByteLevelAlphabet.scalars {
            var bytes: [UInt8] = []
            UTF8Code.append(scalar, to: &bytes)
            _ = symbols.id(bytes)
        }
        let alphabetSize = symbols.texts.count
        var trainer = MergeTrainer(
            words: found.map { word, _ in Self.scalars(word).map { symbols.id($0).id } }, counts: found.map(\.count))
        let merges = trainer.run(limit: vocabularySize, symbols: alphabetSize, minimum: minFrequency) { left, right in
            symbols.id(symbols.texts[left] + symbols.texts[right])
        }
        let pairs = merges.map { (symbols.texts[$0.left], symbols.texts[$0.right]) }
        try writeFile(TokenizerTemplates.vocabulary(symbols.texts), output.appending("vocab.json"))
        var lines = Array("#version: 0.2\n".utf8)
        for (left, right) in pairs { lines += left + [0x20] + right + [0x0A] }
        try writeFile(lines, output.appending("merges.txt"))
        try writeFile(
            TokenizerTemplates.byteLevel(symbols.texts, merges: pairs, special: special, lowercase: lowercase),
            output.appending("tokenizer.json"))
        // transformers' RobertaTokenizer builds its own stages and would not lowercase; the general class takes those of
        // tokenizer.json.
        try writeFile(
            TokenizerTemplates.configuration([
                "tokenizer_class": .string(lowercase ? "PreTrainedTokenizerFast" : "RobertaTokenizer"),
                "add_prefix_space": .bool(true), "bos_token": .string("<s>"), "cls_token": .string("<s>"),
                "eos_token": .string("</s>"), "sep_token": .string("</s>"), "pad_token": .string("<pad>"),
                "unk_token": .string("<unk>"), "mask_token": .string("<mask>"),
            ]), output.appending("tokenizer_config.json"))
    }

    // MARK: Unigram

    /// SentencePiece's own trainer, with the special tokens where ALBERT has them.
    private func trainUnigram(_ corpus: [FilePath], _ output: FilePath) throws(TokenizerError) {
        for file in corpus {
            guard fileExists(file) else { throw .unreadable(file, .noSuchFileOrDirectory) }
            // The library's arguments are one text, cut at blanks and commas.
            guard !file.string.contains(where: { $0 == " " || $0 == "," }) else {
                throw .training(reason: "the path \"\(file)\" has a blank or a comma")
            }
        }
        let arguments = [
            "--input=\(corpus.map(\.string).joined(separator: ","))",
            "--model_prefix=\(output.appending("spiece"))", "--model_type=unigram", "--vocab_size=\(vocabularySize)",
            "--hard_vocab_limit=false", "--character_coverage=0.9995", "--pad_id=0", "--unk_id=1", "--bos_id=2",
            "--eos_id=3", "--pad_piece=<pad>", "--unk_piece=<unk>", "--bos_piece=[CLS]", "--eos_piece=[SEP]",
            "--control_symbols=[MASK]", "--num_threads=\(max(1, threads))", "--minloglevel=2",
            "--normalization_rule_name=\(lowercase ? "nmt_nfkc_cf" : "nmt_nfkc")",
        ].joined(separator: " ")
        var message = [CChar](repeating: 0, count: 1024)
        let isDone = unsafe message.withUnsafeMutableBufferPointer { buffer in
            unsafe csp_train(arguments, buffer.baseAddress, buffer.count)
        }
        if !isDone {
            throw .training(reason: String(decoding: message.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
        }
        try writeFile(
            TokenizerTemplates.configuration([
                "tokenizer_class": .string("AlbertTokenizer"), "do_lower_case": .bool(lowercase),
                "keep_accents": .bool(true),
            ]), output.appending("tokenizer_config.json"))
    }
}
