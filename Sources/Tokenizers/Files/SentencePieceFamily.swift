import JSON
import SystemPackage

/// The rules by which families of encoders use a SentencePiece model: which ids its pieces get, which special tokens
/// stand around a text, and how the text is cleaned before.
///
/// Source: Hugging Face transformers 5.23, `tokenization_xlm_roberta.py` and its like for the other families.
enum SentencePieceFamily: String, CaseIterable, Sendable {
    case xlmRoberta = "XLMRoberta"
    case camembert = "Camembert"
    case albert = "Albert"
    case debertaV2 = "DebertaV2"
    case t5 = "T5"

    /// The family that `tokenizer_config.json` or `config.json` names.
    init?(_ companions: CompanionFiles) {
        let name = (companions.string("tokenizer_class") ?? "").lowercased()
        let type = (companions.modelType ?? "").lowercased()
        switch true {
        case name.hasPrefix("xlmroberta"), name.isEmpty && type.hasPrefix("xlm-roberta"): self = .xlmRoberta
        case name.hasPrefix("camembert"), name.isEmpty && type == "camembert": self = .camembert
        case name.hasPrefix("albert"), name.isEmpty && type == "albert": self = .albert
        case name.hasPrefix("deberta"), name.isEmpty && type == "deberta-v2": self = .debertaV2
        case name.hasPrefix("t5"), name.hasPrefix("mt5"), name.isEmpty && (type == "t5" || type == "mt5"): self = .t5
        default: return nil
        }
    }

    func parts(_ file: FilePath, _ companions: CompanionFiles) throws(TokenizerError) -> TokenizerParts {
        let proto = try Self.proto(try readFile(file), file)
        if let problem = Self.problem(proto) { throw .invalidSentencePieceModel(file, reason: problem) }
        guard proto.modelType == 1 else {
            throw .unsupportedPiece(file, stage: "model", type: "SentencePiece model of type \(proto.modelType)")
        }
        // Where the reference's conversion of a model loses its normalization or its bytes, the library's own ids are
        // right, to the last of its rules.
        let followsLibrary = self == .debertaV2 || proto.fallsBackToBytes
        if followsLibrary, !proto.addsDummyPrefix {
            throw .unsupportedPiece(file, stage: "normalizer", type: "add_dummy_prefix = false")
        }
        var vocabulary = proto.pieces.map { (token: $0.text, score: Double($0.score)) }
        var lowest: Double?
        if followsLibrary {
            let normal = proto.pieces.lazy.filter { $0.kind == .normal }.map(\.score)
            let best = normal.max() ?? 0
            lowest = Double(normal.min() ?? 0)
            for (id, piece) in proto.pieces.enumerated() {
                switch piece.kind {
                // Text that looks like the name of a byte or of a control piece is neither.
                case .byte, .control, .unknown, .unused: vocabulary[id].score = -.infinity
                case .userDefined: vocabulary[id].score = Double(Float(piece.text.count) * best) - 0.1
                case .normal: break
                }
            }
        }
        var unknown = "<unk>"
        var added: [AddedToken] = []
        func special(_ role: String, _ standard: String, lstrip: Bool = false) -> String {
            let text = companions.roles[role] ?? standard
            added.append(AddedToken(id: -1, content: text, lstrip: lstrip))
            return text
        }
        var normalizers: [Normalizer] = []
        let cls: String?
        let sep: String
        var separators = 1
        var secondType: Int32 = 0
        switch self {
        case .xlmRoberta, .camembert:
            let head =
                self == .xlmRoberta
                ? ["<s>", "<pad>", "</s>", "<unk>"] : ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>"]
            let dropped = self == .xlmRoberta ? 3 : 1
            vocabulary = head.map { (Array($0.utf8), 0) } + vocabulary.dropFirst(dropped)
            if self == .camembert { vocabulary.insert((Array("<unk>NOTUSED".utf8), -100), at: 4) }
            vocabulary.append((Array("<mask>".utf8), 0))
            cls = special("cls_token", "<s>")
            sep = special("sep_token", "</s>")
            _ = special("pad_token", "<pad>")
            unknown = special("unk_token", "<unk>")
            _ = special("mask_token", "<mask>", lstrip: self == .camembert)
            separators = 2
        case .albert:
            normalizers = [
                .replace(.literal(Array("``".utf8)), content: Array("\"".utf8)),
                .replace(.literal(Array("''".utf8)), content: Array("\"".utf8)),
            ]
            if !(companions.bool("keep_accents") ?? false) {
                normalizers += [.form(.compatibilityDecomposition), .stripAccents]
            }
            if companions.bool("do_lower_case") ?? true { normalizers.append(.lowercase) }
            cls = special("cls_token", "[CLS]")
            sep = special("sep_token", "[SEP]")
            _ = special("pad_token", "<pad>")
            unknown = special("unk_token", "<unk>")
            _ = special("mask_token", "[MASK]")
            secondType = 1
        case .debertaV2:
            if companions.bool("do_lower_case") ?? false { normalizers.append(.lowercase) }
            cls = special("cls_token", "[CLS]")
            sep = special("sep_token", "[SEP]")
            _ = special("pad_token", "[PAD]")
            unknown = special("unk_token", "[UNK]")
            _ = special("mask_token", "[MASK]")
            secondType = 1
        case .t5:
            cls = nil
            sep = special("eos_token", "</s>")
            _ = special("pad_token", "<pad>")
            unknown = special("unk_token", "<unk>")
            let extra = companions.integer("extra_ids") ?? 100
            guard Self.extraTokens.contains(extra) else {
                throw .invalidMember(
                    file.removingLastComponent().appending("tokenizer_config.json"), path: "extra_ids",
                    found: "\(extra)", expected: "a number from 0 to \(Self.extraTokens.upperBound)")
            }
            let known = Set(vocabulary.lazy.map(\.token).filter { $0.starts(with: "<extra_id_".utf8) })
            for i in (0..<extra).reversed() {
                let token = "<extra_id_\(i)>"
                if !known.contains(Array(token.utf8)) { vocabulary.append((Array(token.utf8), 0)) }
                added.append(AddedToken(id: -1, content: token))
            }
        }
        var table = Vocabulary(capacity: vocabulary.count)
        for (id, entry) in vocabulary.enumerated() {
            table.insert(entry.token.span, id: Int32(truncatingIfNeeded: id))
        }
        guard let unknownID = table.id(unknown) else { throw .missingUnknownToken(file, token: unknown) }
        let model = Model.unigram(
            Unigram(
                vocabulary: table, scores: vocabulary.map(\.score), unknownID: unknownID,
                lowestScore: lowest, fallsBackToBytes: proto.fallsBackToBytes))
        if !proto.charsmap.isEmpty {
            do throws(Charsmap.Problem) {
                let matching = followsLibrary ? Charsmap.Matching.longest : .graphemeClusters
                normalizers.append(.precompiled(try Charsmap(proto.charsmap, matching: matching)))
            } catch {
                throw .invalidCharsmap(file, reason: error.rawValue)
            }
        }
        var parts = TokenizerParts(model: model)
        parts.normalizer = normalizers.count == 1 ? normalizers[0] : .sequence(normalizers)
        let splitsPunctuation = self == .debertaV2 && companions.bool("split_by_punct") ?? false
        parts.preTokenizer = .sequence(
            (splitsPunctuation ? [.punctuation(.isolated)] : []) + [.whitespaceSplit, .metaspace(Metaspace())])
        let decoder = Decoder.metaspace(replacement: "\u{2581}", dropsFirst: true)
        parts.decoder = proto.fallsBackToBytes ? .sequence([.byteFallback, decoder]) : decoder
        var list = AddedTokenList(model: model)
        for token in companions.addedTokens + added where !list.contains(token.content) { list.append(token) }
        parts.addedTokens = list.tokens
        func id(_ token: String) throws(TokenizerError) -> Int32 {
            if let id = table.id(token) ?? list.tokens.first(where: { $0.content == token })?.id { return id }
            throw .missingToken(file, stage: "post_processor", token: token)
        }
        let start = try cls.map { token throws(TokenizerError) in
            PostProcessor.Piece.special(id: try id(token), token: token, typeID: 0)
        }
        let end = PostProcessor.Piece.special(id: try id(sep), token: sep, typeID: 0)
        let secondEnd = PostProcessor.Piece.special(id: try id(sep), token: sep, typeID: secondType)
        let head = start.map { [$0] } ?? []
        parts.postProcessor = PostProcessor(
            single: head + [.sequence(0, typeID: 0), end],
            pair: head + [.sequence(0, typeID: 0)] + Array(repeating: end, count: separators)
                + [.sequence(1, typeID: secondType), secondEnd])
        parts.roles = ["cls_token": cls ?? "", "sep_token": sep, "unk_token": unknown].merging(companions.roles) { $1 }
        return parts
    }

    private static func proto(_ bytes: [UInt8], _ file: FilePath) throws(TokenizerError) -> SentencePieceProto {
        do throws(SentencePieceProto.Problem) {
            return try SentencePieceProto(bytes)
        } catch {
            throw .invalidSentencePieceModel(file, reason: error.reason)
        }
    }

    /// A model without a family: the library's own ids and no special tokens.
    static func bare(_ file: FilePath) throws(TokenizerError) -> TokenizerParts {
        let bytes = try readFile(file)
        let proto = try proto(bytes, file)
        if let problem = Self.problem(proto) { throw .invalidSentencePieceModel(file, reason: problem) }
        var vocabulary = Vocabulary(capacity: proto.pieces.count)
        for (id, piece) in proto.pieces.enumerated() {
            vocabulary.insert(piece.text.span, id: Int32(truncatingIfNeeded: id))
        }
        let charsmap = proto.charsmap.isEmpty ? nil : try? Charsmap(proto.charsmap, matching: .longest)
        let unknownID = proto.pieces.firstIndex { $0.kind == .unknown }.map { Int32(truncatingIfNeeded: $0) }
        let hasUserDefined = proto.pieces.contains { $0.kind == .userDefined }
        let runs =
            proto.fallsBackToBytes
            ? nil : UnknownRuns(vocabulary, charsmap: charsmap, hasUserDefined: hasUserDefined)
        do throws(SentencePieceModel.Problem) {
            return TokenizerParts(
                model: .sentencePiece(
                    try SentencePieceModel(
                        bytes, vocabulary: vocabulary, unknownID: unknownID, unknownRuns: runs)))
        } catch {
            throw .invalidSentencePieceModel(file, reason: error.reason)
        }
    }

    /// What the library would not notice, and stumble over.
    private static func problem(_ proto: SentencePieceProto) -> String? {
        for charsmap in [proto.charsmap, proto.decodingCharsmap] where !charsmap.isEmpty {
            do throws(Charsmap.Problem) { _ = try Charsmap(charsmap, matching: .longest) } catch {
                return "its charsmap is damaged: \(error.rawValue)"
            }
        }
        for piece in proto.pieces {
            if piece.text.count > Unigram.longestToken { return "a piece has more than \(Unigram.longestToken) bytes" }
            if !piece.score.isFinite { return "a score is not a number" }
            if piece.text.isEmpty || piece.text.contains(0) { return "a piece is empty" }
            if VocabularyText.invalidUTF8(piece.text) != nil { return "a piece is not UTF-8" }
        }
        if !proto.pieces.contains(where: { $0.kind == .unknown }) { return "no unknown piece" }
        if proto.modelType != 1 && proto.modelType != 2 && proto.modelType != 3 && proto.modelType != 4 {
            return "unknown model type \(proto.modelType)"
        }
        if Self.mostNested(proto.pieces.lazy.filter { $0.kind == .userDefined }.map(\.text)) > Self.nestedPieces {
            return "more than \(Self.nestedPieces) user-defined pieces begin with one another"
        }
        return nil
    }

    /// The library's room for user-defined pieces that begin at one place.
    private static let nestedPieces = 64
    private static let extraTokens = 0...65_536

    /// The most texts of which each begins with the one before.
    private static func mostNested(_ texts: some Sequence<[UInt8]>) -> Int {
        var nested: [[UInt8]] = []
        var most = 0
        for text in texts.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            while let last = nested.last, !text.starts(with: last) { nested.removeLast() }
            nested.append(text)
            most = max(most, nested.count)
        }
        return most
    }
}
