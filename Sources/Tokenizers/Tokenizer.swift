import JSON
import Synchronization
public import SystemPackage

/// Turns texts into the token ids that an encoder was trained with, and ids back into text.
///
/// A tokenizer is immutable and may be used from any number of threads at once.
///
///     let tokenizer = try Tokenizer(directory: "models/all-MiniLM-L6-v2")
///     let encoding = tokenizer.encode("grafted onto a pretrained stem")
///     print(encoding.ids, encoding.offsets)
public final class Tokenizer: Sendable {
    /// The tokenizer's own files, to be copied along with a model that was trained with it.
    public let files: [FilePath]
    /// The truncation that the tokenizer's file asks for. `encode` does not apply it unless the caller passes it on.
    public let storedTruncation: Truncation?
    /// The padding that the tokenizer's file asks for. Nothing here applies it.
    public let storedPadding: Padding?
    /// The tokens that are found in a text before the model sees it.
    public let addedTokens: [AddedToken]

    let pipeline: Pipeline
    let table: TokenTable
    let roles: [String: String]
    private let workspaces = Mutex<[Workspace]>([])

    /// Reads the tokenizer of a model directory.
    ///
    /// Of the files there, the first of these counts: `tokenizer.json`; `vocab.txt`; `spm.model`, `spiece.model`,
    /// `sentencepiece.bpe.model`; `vocab.json` with `merges.txt`.
    ///
    /// - Parameter lowercasesFirst: whether texts become lowercase before anything else is done with them.
    public convenience init(directory: FilePath, lowercasesFirst: Bool = false) throws(TokenizerError) {
        var parts = try Self.parts(in: directory)
        if lowercasesFirst { parts.normalizer = .sequence([.lowercase] + (parts.normalizer.map { [$0] } ?? [])) }
        self.init(parts, files: Self.ownFiles(in: directory))
    }

    private static func parts(in directory: FilePath) throws(TokenizerError) -> TokenizerParts {
        let companions = try CompanionFiles(directory: directory)
        var parts = try parts(in: directory, companions)
        // Where the model gets no token types, transformers passes none, whatever the template says.
        if companions.hidesTypes { parts.postProcessor = parts.postProcessor.withoutTypes }
        return parts
    }

    private static func parts(
        in directory: FilePath, _ companions: CompanionFiles
    ) throws(TokenizerError) -> TokenizerParts {
        let main = directory.appending("tokenizer.json")
        if fileExists(main) {
            var parts = try TokenizerJSON.read(main)
            parts.roles.merge(companions.roles) { $1 }
            return parts
        }
        let vocabulary = directory.appending("vocab.txt")
        if fileExists(vocabulary) { return try VocabularyText.read(vocabulary, companions) }
        for name in ["spm.model", "spiece.model", "sentencepiece.bpe.model"] {
            let model = directory.appending(name)
            guard fileExists(model) else { continue }
            guard let family = SentencePieceFamily(companions) else {
                throw .unsupportedPiece(
                    model, stage: "tokenizer_class", type: companions.string("tokenizer_class") ?? "none")
            }
            return try family.parts(model, companions)
        }
        let merges = directory.appending("merges.txt")
        if fileExists(merges) { return try MergesText.read(directory.appending("vocab.json"), merges, companions) }
        throw .noTokenizerFile(directory)
    }

    /// Reads one bare tokenizer file: `tokenizer.json`, `vocab.txt` or a SentencePiece `.model`.
    public convenience init(file: FilePath) throws(TokenizerError) {
        switch file.extension {
        case "model": self.init(try SentencePieceFamily.bare(file), files: [file])
        case "txt": self.init(try VocabularyText.read(file, .none), files: [file])
        default: self.init(try TokenizerJSON.read(file), files: [file])
        }
    }

    init(_ parts: TokenizerParts, files: [FilePath]) {
        self.files = files
        storedTruncation = parts.truncation
        storedPadding = parts.padding
        addedTokens = parts.addedTokens
        roles = parts.roles
        table = TokenTable(
            model: parts.model, added: parts.addedTokens, countsBlanks: !parts.postProcessor.trimmings.isEmpty)
        pipeline = Pipeline(parts)
    }

    private static func ownFiles(in directory: FilePath) -> [FilePath] {
        [
            "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
            "spm.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "merges.txt",
        ].map { directory.appending($0) }.filter(fileExists)
    }

    // MARK: Vocabulary

    /// One more than the largest id, which is what an embedding matrix needs at least.
    public var vocabularySize: Int {
        max(table.model.vocabulary.idLimit, Int(addedTokens.map(\.id).max() ?? -1) + 1)
    }

    public func id(of token: String) -> Int32? { table.id(of: token) }
    public func token(of id: Int32) -> String? { table.token(of: id) }

    /// The token at the start of every text, such as `[CLS]` or `<s>`.
    public var clsID: Int32? { specialID("cls_token", ["[CLS]", "<s>"]) }
    /// The token after every text, such as `[SEP]` or `</s>`.
    public var sepID: Int32? { specialID("sep_token", ["[SEP]", "</s>"]) }
    public var padID: Int32? { specialID("pad_token", ["[PAD]", "<pad>"]) ?? storedPadding?.id }
    public var unkID: Int32? { table.model.unknownID ?? specialID("unk_token", ["[UNK]", "<unk>"]) }
    public var maskID: Int32? { specialID("mask_token", ["[MASK]", "<mask>"]) }

    /// The tokens that stand for no part of a text: around texts, for what is masked, for what is missing at the end.
    public var placeholders: Set<Int32> { Set([clsID, sepID, padID, maskID].compactMap { $0 }) }

    private func specialID(_ role: String, _ candidates: [String]) -> Int32? {
        if let token = roles[role], let id = id(of: token) { return id }
        for candidate in candidates { if let id = id(of: candidate) { return id } }
        return nil
    }

    /// Whether tokens that continue a word are spelled with a mark before them, such as `##ing`.
    public var marksContinuations: Bool {
        if case .wordPiece(let model) = table.model { model.prefixLength > 0 } else { false }
    }

    /// The number of special tokens put around one text, or around a pair.
    public func specialTokenCount(pair: Bool = false) -> Int {
        PostProcessor.specialTokens(in: pair ? pipeline.postProcessor.pair : pipeline.postProcessor.single)
    }

    // MARK: Workspaces

    /// Lends out buffers that are kept from call to call.
    func withWorkspace<Result>(_ body: (inout Workspace) -> Result) -> Result {
        var workspace = takeWorkspace()
        let result = body(&workspace)
        giveBack(workspace)
        return result
    }

    func takeWorkspace() -> Workspace { workspaces.withLock { $0.popLast() } ?? Workspace() }
    func giveBack(_ workspace: Workspace) { workspaces.withLock { $0.append(workspace) } }
}
