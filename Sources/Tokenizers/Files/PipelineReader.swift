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
        case "StripAccents": return .stripAccents
        case "Nmt": return .nmt
        case "ByteLevel": return .byteLevel
        case "Strip":
            return .strip(
                left: try bool(piece, "strip_left", stage, default: nil),
                right: try bool(piece, "strip_right", stage, default: nil))
        case "Prepend": return .prepend(try string(piece, "prepend", stage).unicodeScalars.map(\.value))
        case "Replace":
            return .replace(
                try pattern(piece, stage), content: Array(try string(piece, "content", stage).utf8))
        case "Precompiled":
            // Files without a map exist; the reference reads them as an empty one.
            let text = piece["precompiled_charsmap"]?.string ?? ""
            guard let blob = Base64.decode(text) else { throw .invalidCharsmap(file, reason: "not base64") }
            if blob.isEmpty { return nil }
            do throws(Charsmap.Problem) {
                return .precompiled(try Charsmap(blob))
            } catch {
                throw .invalidCharsmap(file, reason: error.rawValue)
            }
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
        case "ByteLevel":
            return .byteLevel(
                addPrefixSpace: try bool(piece, "add_prefix_space", stage, default: nil),
                usesPattern: try bool(piece, "use_regex", stage, default: true))
        case "CharDelimiterSplit", "Delimiter": return .delimiter(try scalar(piece, "delimiter", stage).value)
        case "Metaspace": return .metaspace(try metaspace(piece, stage))
        case "Whitespace": return .whitespace
        case "WhitespaceSplit": return .whitespaceSplit
        case "Split":
            return .split(
                try pattern(piece, stage), try behavior(piece, stage, default: nil),
                inverts: try bool(piece, "invert", stage, default: nil))
        case "Punctuation": return .punctuation(try behavior(piece, stage, default: .isolated))
        case "Digits": return .digits(individual: try bool(piece, "individual_digits", stage, default: nil))
        case "UnicodeScripts": return .unicodeScripts
        case "FixedLength":
            let length = piece["length"] == nil ? 5 : try integer(piece, "length", stage)
            guard length > 0 else { throw invalid("\(stage).length", piece["length"], expected: "a positive integer") }
            return .fixedLength(length)
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
        case "RobertaProcessing":
            let cls = try special(piece, "cls", stage)
            let sep = try special(piece, "sep", stage)
            var processor = PostProcessor.roberta(cls: cls, sep: sep)
            let addPrefixSpace = try bool(piece, "add_prefix_space", stage, default: nil)
            if try bool(piece, "trim_offsets", stage, default: nil) {
                processor.trimmings = [PostProcessor.OffsetTrimming(addPrefixSpace: addPrefixSpace)]
            }
            return processor
        case "ByteLevel":
            var processor = PostProcessor.none
            let addPrefixSpace = try bool(piece, "add_prefix_space", stage, default: nil)
            if try bool(piece, "trim_offsets", stage, default: nil) {
                processor.trimmings = [PostProcessor.OffsetTrimming(addPrefixSpace: addPrefixSpace)]
            }
            return processor
        case "Sequence":
            var result = PostProcessor.none
            var hasTemplate = false
            for (i, member) in try members(piece, "processors", stage).enumerated() {
                let place = "\(stage).processors[\(i)]"
                let processor = try postProcessor(member, place)
                let trimmings = result.trimmings + processor.trimmings
                if try self.type(member, place) != "ByteLevel" {
                    // The reference has no meaning for a template around a template.
                    if hasTemplate { throw unsupported(place, "a second template") }
                    hasTemplate = true
                    result = processor
                }
                result.trimmings = trimmings
            }
            return result
        default: throw unsupported(stage, type)
        }
    }

    func decoder(_ piece: JSON, _ stage: String = "decoder") throws(TokenizerError) -> Decoder? {
        if case .null = piece { return nil }
        let type = try type(piece, stage)
        switch type {
        case "BPEDecoder": return .bytePairEncoding(suffix: try string(piece, "suffix", stage))
        case "ByteLevel": return .byteLevel
        case "WordPiece":
            return .wordPiece(
                prefix: try string(piece, "prefix", stage), cleansUp: try bool(piece, "cleanup", stage, default: nil))
        case "Metaspace":
            let metaspace = try metaspace(piece, stage)
            guard let replacement = Unicode.Scalar(metaspace.replacement) else { return nil }
            return .metaspace(replacement: replacement, dropsFirst: metaspace.prependScheme != .never)
        case "CTC":
            return .ctc(
                padToken: try string(piece, "pad_token", stage),
                wordDelimiter: try string(piece, "word_delimiter_token", stage),
                cleansUp: try bool(piece, "cleanup", stage, default: nil))
        case "Replace":
            return .replace(
                try pattern(piece, stage), content: Array(try string(piece, "content", stage).utf8))
        case "Fuse": return .fuse
        case "Strip":
            let start = try integer(piece, "start", stage)
            let stop = try integer(piece, "stop", stage)
            guard start >= 0, stop >= 0 else { throw invalid("\(stage).start", piece["start"], expected: "a length") }
            return .strip(content: try scalar(piece, "content", stage), start: start, stop: stop)
        case "ByteFallback": return .byteFallback
        case "Sequence":
            var result: [Decoder] = []
            for (i, member) in try members(piece, "decoders", stage).enumerated() {
                if let decoder = try decoder(member, "\(stage).decoders[\(i)]") { result.append(decoder) }
            }
            return .sequence(result)
        default: throw unsupported(stage, type)
        }
    }

    private func scalar(_ piece: JSON, _ key: String, _ stage: String) throws(TokenizerError) -> Unicode.Scalar {
        let text = try string(piece, key, stage)
        guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
            throw invalid("\(stage).\(key)", piece[key], expected: "one code point")
        }
        return scalar
    }

    private func pattern(_ piece: JSON, _ stage: String) throws(TokenizerError) -> Pattern {
        if let literal = piece["pattern"]?["String"]?.string { return .literal(Array(literal.utf8)) }
        guard let text = piece["pattern"]?["Regex"]?.string else {
            throw invalid("\(stage).pattern", piece["pattern"], expected: "String or Regex")
        }
        do throws(RegularExpression.Problem) {
            return .regularExpression(try RegularExpression(text))
        } catch {
            throw .invalidPattern(file, pattern: text, reason: error.reason)
        }
    }

    private func behavior(_ piece: JSON, _ stage: String, default standard: DelimiterBehavior?) throws(TokenizerError)
        -> DelimiterBehavior
    {
        if piece["behavior"] == nil, let standard { return standard }
        let name = try string(piece, "behavior", stage)
        guard let behavior = DelimiterBehavior(rawValue: name) else { throw unsupported("\(stage).behavior", name) }
        return behavior
    }

    private func metaspace(_ piece: JSON, _ stage: String) throws(TokenizerError) -> Metaspace {
        var metaspace = Metaspace()
        metaspace.replacement = try scalar(piece, "replacement", stage).value
        metaspace.splits = try bool(piece, "split", stage, default: true)
        if let name = piece["prepend_scheme"]?.string {
            guard let scheme = Metaspace.PrependScheme(rawValue: name) else {
                throw unsupported("\(stage).prepend_scheme", name)
            }
            metaspace.prependScheme = scheme
        }
        if piece["add_prefix_space"]?.bool == false {
            guard metaspace.prependScheme == .never || piece["prepend_scheme"] == nil else {
                throw invalid(
                    "\(stage).add_prefix_space", piece["add_prefix_space"], expected: "what prepend_scheme says")
            }
            metaspace.prependScheme = .never
        }
        return metaspace
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

    /// `<s> A </s>` and `<s> A </s></s> B </s>`, all of type 0.
    static func roberta(cls: (id: Int32, token: String), sep: (id: Int32, token: String)) -> PostProcessor {
        let start = Piece.special(id: cls.id, token: cls.token, typeID: 0)
        let end = Piece.special(id: sep.id, token: sep.token, typeID: 0)
        return PostProcessor(
            single: [start, .sequence(0, typeID: 0), end],
            pair: [start, .sequence(0, typeID: 0), end, end, .sequence(1, typeID: 0), end])
    }
}
