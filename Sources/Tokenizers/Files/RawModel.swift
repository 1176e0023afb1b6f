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
            let score = try reader.readNumber()
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
        case let type: throw reader.unsupported("model", type)
        }
    }

    private func vocabulary(_ reader: PipelineReader) throws(TokenizerError) -> Vocabulary {
        guard let vocabulary else {
            throw reader.invalid("model.vocab", scored == nil ? settings["vocab"] : .array([]), expected: "an object")
        }
        if vocabulary.count == 0 { throw .emptyVocabulary(reader.file) }
        return vocabulary
    }
}
