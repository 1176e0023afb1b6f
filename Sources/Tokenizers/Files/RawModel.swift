import JSON
import SystemPackage

/// The `model` member of a `tokenizer.json`: its vocabulary as it stands there, the rest as trees.
struct RawModel {
    var settings: [String: JSON] = [:]
    /// Tokens and ids, where the vocabulary is an object.
    var vocabulary: Vocabulary?
    /// Tokens and scores, where the vocabulary is an array.
    var scored: [(token: ArraySlice<UInt8>, score: Double)]?
    /// Merges as pairs of tokens, or as one text with a blank between them.
    var merges: [(ArraySlice<UInt8>, ArraySlice<UInt8>?)]?
    /// The first id that no vocabulary can hold.
    private var invalidID: (token: String, id: Int)?

    init() {}

    init(_ reader: inout JSONReader) throws(JSONError) {
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let kind = try reader.peek()
            switch (key, kind) {
            case ("vocab", .object): try readVocabulary(&reader)
            case ("vocab", .array): try readScores(&reader)
            case ("merges", .array): try readMerges(&reader)
            default: settings[key] = try reader.readValue()
            }
        }
    }

    mutating func readVocabulary(_ reader: inout JSONReader) throws(JSONError) {
        var result = Vocabulary(capacity: 32768)
        try reader.beginObject()
        while let token = try reader.nextKeyUTF8() {
            let id = try reader.readInteger()
            guard id >= 0, id < Int32.max else {
                if invalidID == nil { invalidID = (String(decoding: token, as: UTF8.self), id) }
                continue
            }
            result.insert(token.span, id: Int32(id))
        }
        vocabulary = result
    }

    private mutating func readScores(_ reader: inout JSONReader) throws(JSONError) {
        var result: [(token: ArraySlice<UInt8>, score: Double)] = []
        try reader.beginArray()
        while try reader.nextElement() {
            try reader.beginArray()
            guard try reader.nextElement() else { throw JSONError(.expected("a token"), at: reader.offset) }
            let token = try reader.readStringUTF8()
            guard try reader.nextElement() else { throw JSONError(.expected("a score"), at: reader.offset) }
            let score = ReferenceNumber.parse(try reader.readNumberText())
            if try reader.nextElement() { throw JSONError(.expected("']'"), at: reader.offset) }
            result.append((token, score))
        }
        scored = result
    }

    private mutating func readMerges(_ reader: inout JSONReader) throws(JSONError) {
        var result: [(ArraySlice<UInt8>, ArraySlice<UInt8>?)] = []
        try reader.beginArray()
        while try reader.nextElement() {
            if try reader.peek() == .string {
                result.append((try reader.readStringUTF8(), nil))
                continue
            }
            try reader.beginArray()
            guard try reader.nextElement() else { throw JSONError(.expected("a token"), at: reader.offset) }
            let first = try reader.readStringUTF8()
            guard try reader.nextElement() else { throw JSONError(.expected("a token"), at: reader.offset) }
            let second = try reader.readStringUTF8()
            if try reader.nextElement() { throw JSONError(.expected("']'"), at: reader.offset) }
            result.append((first, second))
        }
        merges = result
    }

    // MARK: Models

    /// Older files do not name the model.
    private var type: String {
        if let type = settings["type"]?.string { return type }
        if merges != nil { return "BPE" }
        if scored != nil { return "Unigram" }
        return settings["continuing_subword_prefix"] == nil ? "WordLevel" : "WordPiece"
    }

    func model(_ file: FilePath) throws(TokenizerError) -> Model {
        if let invalidID { throw .idOutOfRange(file, token: invalidID.token, id: invalidID.id) }
        let reader = PipelineReader(file: file, vocabulary: { _ in nil })
        let settings = JSON.object(settings.reduce(into: JSONObject()) { $0.append($1.key, $1.value) })
        switch type {
        case "WordPiece":
            let vocabulary = try vocabulary(reader)
            let unknown = try reader.string(settings, "unk_token", "model")
            guard let unknownID = vocabulary.id(unknown) else { throw .missingUnknownToken(file, token: unknown) }
            return .wordPiece(
                WordPiece(
                    vocabulary: vocabulary, unknownID: unknownID,
                    continuingSubwordPrefix: try reader.string(settings, "continuing_subword_prefix", "model"),
                    maxInputCharsPerWord: try reader.integer(settings, "max_input_chars_per_word", "model")))
        case "WordLevel":
            let vocabulary = try vocabulary(reader)
            return .wordLevel(
                WordLevel(
                    vocabulary: vocabulary,
                    unknownID: vocabulary.id(try reader.string(settings, "unk_token", "model"))))
        case "BPE": return .bytePairEncoding(try bytePairEncoding(settings, reader))
        case "Unigram": return .unigram(try unigram(settings, reader))
        case let type: throw reader.unsupported("model", type)
        }
    }

    private func bytePairEncoding(_ settings: JSON, _ reader: PipelineReader) throws(TokenizerError)
        -> BytePairEncoding
    {
        if let dropout = settings["dropout"]?.number, dropout > 0 { throw reader.unsupported("model", "dropout") }
        let vocabulary = try vocabulary(reader)
        guard let merges else {
            throw reader.invalid("model.merges", settings["merges"], expected: "an array")
        }
        let prefix = Array((settings["continuing_subword_prefix"]?.string ?? "").utf8)
        var model = BytePairEncoding(
            vocabulary: vocabulary,
            merges: try Self.mergeTable(merges, vocabulary, prefixLength: prefix.count, reader.file))
        model.continuingSubwordPrefix = prefix
        model.endOfWordSuffix = Array((settings["end_of_word_suffix"]?.string ?? "").utf8)
        model.fusesUnknown = try reader.bool(settings, "fuse_unk", "model", default: false)
        model.fallsBackToBytes = try reader.bool(settings, "byte_fallback", "model", default: false)
        model.ignoresMerges = try reader.bool(settings, "ignore_merges", "model", default: false)
        if let unknown = settings["unk_token"]?.string {
            guard let id = vocabulary.id(unknown) else { throw .missingUnknownToken(reader.file, token: unknown) }
            model.unknownID = id
        }
        return model
    }

    /// - Parameter prefixLength: how many bytes of the right token are not part of the merged one.
    static func mergeTable(
        _ merges: [(ArraySlice<UInt8>, ArraySlice<UInt8>?)], _ vocabulary: Vocabulary, prefixLength: Int,
        _ file: FilePath
    ) throws(TokenizerError) -> MergeTable {
        var table = MergeTable(capacity: merges.count)
        var joined: [UInt8] = []
        for (rank, merge) in merges.enumerated() {
            var (left, right) = (merge.0, merge.1 ?? [])
            if merge.1 == nil {
                if left.starts(with: "#version".utf8) { continue }
                let parts = left.split(separator: 0x20, omittingEmptySubsequences: false)
                guard parts.count == 2 else { throw .invalidMerge(file, merge: rank) }
                (left, right) = (parts[0], parts[1])
            }
            func id(_ token: ArraySlice<UInt8>) throws(TokenizerError) -> Int32 {
                guard let id = vocabulary.id(token.span) else {
                    throw .mergeOfUnknownToken(file, merge: rank, token: String(decoding: token, as: UTF8.self))
                }
                return id
            }
            let leftID = try id(left)
            let rightID = try id(right)
            guard right.count >= prefixLength else { throw .invalidMerge(file, merge: rank) }
            joined.removeAll(keepingCapacity: true)
            joined.append(contentsOf: left)
            joined.append(contentsOf: right.dropFirst(prefixLength))
            table.insert(leftID, rightID, rank: rank, merged: try id(joined[...]))
        }
        return table
    }

    private func unigram(_ settings: JSON, _ reader: PipelineReader) throws(TokenizerError) -> Unigram {
        guard let scored else {
            throw reader.invalid("model.vocab", vocabulary == nil ? nil : .object([:]), expected: "an array")
        }
        if scored.isEmpty { throw .emptyVocabulary(reader.file) }
        var unknownID: Int32?
        if let id = settings["unk_id"], id != .null {
            guard let value = id.integer, scored.indices.contains(value) else {
                throw .missingUnknownToken(reader.file, token: "unk_id")
            }
            unknownID = Int32(truncatingIfNeeded: value)
        }
        var vocabulary = Vocabulary(capacity: scored.count)
        for (id, entry) in scored.enumerated() {
            guard entry.token.count <= Unigram.longestToken else {
                throw .invalidMember(
                    reader.file, path: "model.vocab[\(id)]", found: "a token of \(entry.token.count) bytes",
                    expected: "at most \(Unigram.longestToken)")
            }
            vocabulary.insert(entry.token.span, id: Int32(truncatingIfNeeded: id))
        }
        return Unigram(
            vocabulary: vocabulary, scores: scored.map(\.score), unknownID: unknownID,
            fallsBackToBytes: try reader.bool(settings, "byte_fallback", "model", default: false))
    }

    private func vocabulary(_ reader: PipelineReader) throws(TokenizerError) -> Vocabulary {
        guard let vocabulary else {
            throw reader.invalid("model.vocab", scored == nil ? settings["vocab"] : .array([]), expected: "an object")
        }
        if vocabulary.count == 0 { throw .emptyVocabulary(reader.file) }
        return vocabulary
    }
}
