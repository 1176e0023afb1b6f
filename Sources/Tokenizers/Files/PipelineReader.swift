import JSON
import SystemPackage

/// Reads the pieces of a pipeline from JSON trees and refuses by name what it does not know.
///
/// Source: Hugging Face tokenizers 0.23.3, `tokenizer.json`.
struct PipelineReader {
    let file: FilePath
    let vocabulary: (String) -> Int32?

    func invalid(_ path: String, _ found: JSON?, expected: String) -> TokenizerError {
        .invalidMember(file, path: path, found: found?.kind ?? "nothing", expected: expected)
    }

    func type(_ piece: JSON, _ stage: String) throws(TokenizerError) -> String {
        guard piece.object != nil else { throw invalid(stage, piece, expected: "an object") }
        guard let type = piece["type"]?.string else {
            throw invalid("\(stage).type", piece["type"], expected: "a string")
        }
        return type
    }

    func unsupported(_ stage: String, _ type: String) -> TokenizerError {
        .unsupportedPiece(file, stage: stage, type: type)
    }

    func bool(_ piece: JSON, _ key: String, _ stage: String, default standard: Bool?) throws(TokenizerError) -> Bool {
        switch piece[key] {
        case .bool(let value): return value
        case nil:
            if let standard { return standard }
            fallthrough
        default: throw invalid("\(stage).\(key)", piece[key], expected: "a boolean")
        }
    }

    func string(_ piece: JSON, _ key: String, _ stage: String) throws(TokenizerError) -> String {
        guard let value = piece[key]?.string else {
            throw invalid("\(stage).\(key)", piece[key], expected: "a string")
        }
        return value
    }

    func integer(_ piece: JSON, _ key: String, _ stage: String) throws(TokenizerError) -> Int {
        guard let value = piece[key]?.integer else {
            throw invalid("\(stage).\(key)", piece[key], expected: "an integer")
        }
        return value
    }

    func members(_ piece: JSON, _ key: String, _ stage: String) throws(TokenizerError) -> [JSON] {
        guard let value = piece[key]?.array else {
            throw invalid("\(stage).\(key)", piece[key], expected: "an array")
        }
        return value
    }

    func id(_ value: Int, _ token: String) throws(TokenizerError) -> Int32 {
        guard value >= 0, value < Int32.max else { throw .idOutOfRange(file, token: token, id: value) }
        return Int32(value)
    }

    // MARK: Pieces

    func normalizer(_ piece: JSON, _ stage: String = "normalizer") throws(TokenizerError) -> Normalizer? {
        if case .null = piece { return nil }
        let type = try type(piece, stage)
        switch type {
        case "BertNormalizer":
            var normalizer = BertNormalizer()
            normalizer.cleanText = try bool(piece, "clean_text", stage, default: nil)
            normalizer.handleChineseChars = try bool(piece, "handle_chinese_chars", stage, default: nil)
            normalizer.lowercase = try bool(piece, "lowercase", stage, default: nil)
            switch piece["strip_accents"] {
            case nil, .null: normalizer.stripAccents = nil
            case .bool(let value): normalizer.stripAccents = value
            default: throw invalid("\(stage).strip_accents", piece["strip_accents"], expected: "a boolean or null")
            }
            return .bert(normalizer)
        case "NFC": return .form(.canonicalComposition)
        case "NFD": return .form(.canonicalDecomposition)
        case "NFKC": return .form(.compatibilityComposition)
        case "NFKD": return .form(.compatibilityDecomposition)
        case "Lowercase": return .lowercase
        case "Sequence":
            var result: [Normalizer] = []
            for (i, member) in try members(piece, "normalizers", stage).enumerated() {
                if let normalizer = try normalizer(member, "\(stage).normalizers[\(i)]") { result.append(normalizer) }
            }
            return .sequence(result)
        default: throw unsupported(stage, type)
        }
    }

    func preTokenizer(_ piece: JSON, _ stage: String = "pre_tokenizer") throws(TokenizerError) -> PreTokenizer? {
        if case .null = piece { return nil }
        let type = try type(piece, stage)
        switch type {
        case "BertPreTokenizer": return .bert
        case "Sequence":
            var result: [PreTokenizer] = []
            for (i, member) in try members(piece, "pretokenizers", stage).enumerated() {
                if let preTokenizer = try preTokenizer(member, "\(stage).pretokenizers[\(i)]") {
                    result.append(preTokenizer)
                }
            }
            return .sequence(result)
        default: throw unsupported(stage, type)
        }
    }

    func postProcessor(_ piece: JSON, _ stage: String = "post_processor") throws(TokenizerError) -> PostProcessor {
        if case .null = piece { return .none }
        let type = try type(piece, stage)
        switch type {
        case "TemplateProcessing":
            var processor = PostProcessor.none
            processor.single = try template(piece, "single", stage)
            processor.pair = try template(piece, "pair", stage)
            return processor
        case "BertProcessing":
            let cls = try special(piece, "cls", stage)
            let sep = try special(piece, "sep", stage)
            return PostProcessor.bert(cls: cls, sep: sep)
        default: throw unsupported(stage, type)
        }
    }

    private func special(_ piece: JSON, _ key: String, _ stage: String) throws(TokenizerError) -> (
        id: Int32, token: String
    ) {
        guard let pair = piece[key]?.array, pair.count == 2, let token = pair[0].string, let value = pair[1].integer
        else { throw invalid("\(stage).\(key)", piece[key], expected: "a token and its id") }
        return (try id(value, token), token)
    }

    private func template(_ piece: JSON, _ key: String, _ stage: String) throws(TokenizerError) -> [PostProcessor.Piece]
    {
        var result: [PostProcessor.Piece] = []
        for (i, part) in try members(piece, key, stage).enumerated() {
            let place = "\(stage).\(key)[\(i)]"
            if let sequence = part["Sequence"] {
                let name = try string(sequence, "id", place)
                guard name == "A" || name == "B" else {
                    throw invalid("\(place).Sequence.id", sequence["id"], expected: "A or B")
                }
                let typeID = try id(integer(sequence, "type_id", place), name)
                result.append(.sequence(name == "A" ? 0 : 1, typeID: typeID))
            } else if let token = part["SpecialToken"] {
                let name = try string(token, "id", place)
                let typeID = try id(integer(token, "type_id", place), name)
                guard let entry = piece["special_tokens"]?[name] else {
                    throw .missingToken(file, stage: stage, token: name)
                }
                let ids = try members(entry, "ids", "\(stage).special_tokens.\(name)")
                let tokens = try members(entry, "tokens", "\(stage).special_tokens.\(name)")
                for (k, value) in ids.enumerated() {
                    guard let integer = value.integer, k < tokens.count, let text = tokens[k].string else {
                        throw invalid("\(stage).special_tokens.\(name).ids", value, expected: "an id for each token")
                    }
                    result.append(.special(id: try id(integer, text), token: text, typeID: typeID))
                }
            } else {
                throw invalid(place, part, expected: "Sequence or SpecialToken")
            }
        }
        let sequences = result.compactMap { if case .sequence(let index, _) = $0 { index } else { nil } }
        guard sequences.contains(0), key == "single" ? !sequences.contains(1) : sequences.contains(1) else {
            throw invalid("\(stage).\(key)", piece[key], expected: key == "single" ? "sequence A" : "sequences A and B")
        }
        return result
    }

    // MARK: Settings

    func addedToken(_ value: JSON, _ stage: String) throws(TokenizerError) -> AddedToken {
        let content = try string(value, "content", stage)
        let special = try bool(value, "special", stage, default: false)
        return AddedToken(
            id: value["id"] == nil ? -1 : try id(integer(value, "id", stage), content), content: content,
            singleWord: try bool(value, "single_word", stage, default: false),
            lstrip: try bool(value, "lstrip", stage, default: false),
            rstrip: try bool(value, "rstrip", stage, default: false),
            normalized: try bool(value, "normalized", stage, default: !special), special: special)
    }

    func truncation(_ value: JSON, _ stage: String = "truncation") throws(TokenizerError) -> Truncation? {
        if case .null = value { return nil }
        let strategies: [String: Truncation.Strategy] = [
            "LongestFirst": .longestFirst, "OnlyFirst": .onlyFirst, "OnlySecond": .onlySecond,
        ]
        let name = try string(value, "strategy", stage)
        guard let strategy = strategies[name] else { throw unsupported("\(stage).strategy", name) }
        return Truncation(
            maxLength: try integer(value, "max_length", stage), stride: try integer(value, "stride", stage),
            side: value["direction"]?.string == "Left" ? .left : .right, strategy: strategy)
    }

    func padding(_ value: JSON, _ stage: String = "padding") throws(TokenizerError) -> Padding? {
        if case .null = value { return nil }
        let token = try string(value, "pad_token", stage)
        return Padding(
            fixedLength: value["strategy"]?["Fixed"]?.integer, isLeft: value["direction"]?.string == "Left",
            multipleOf: value["pad_to_multiple_of"]?.integer, id: try id(integer(value, "pad_id", stage), token),
            typeID: try id(integer(value, "pad_type_id", stage), token), token: token)
    }
}

extension PostProcessor {
    /// `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`.
    static func bert(cls: (id: Int32, token: String), sep: (id: Int32, token: String)) -> PostProcessor {
        let start = Piece.special(id: cls.id, token: cls.token, typeID: 0)
        let end = Piece.special(id: sep.id, token: sep.token, typeID: 0)
        let secondEnd = Piece.special(id: sep.id, token: sep.token, typeID: 1)
        return PostProcessor(
            single: [start, .sequence(0, typeID: 0), end],
            pair: [start, .sequence(0, typeID: 0), end, .sequence(1, typeID: 1), secondEnd])
    }
}
