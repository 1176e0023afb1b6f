public import Checkpoints
public import Embeddings
public import Tensors
public import Tokenizers
import Transformer

/// An encoder with its family's head for masked words.
///
/// Source: Devlin et al. 2019, "BERT", §3.1; the names are those of transformers' `...ForMaskedLM`.
public final class MaskedLanguageModel {
    /// A token that may stand in a masked place.
    public struct Candidate: Equatable, Sendable {
        public let id: Int32
        public let probability: Float
    }

    public let pretrained: PretrainedEncoder
    private let head: MaskedLanguageHead
    /// Of the token that stands in for a word that is asked for.
    public let maskID: Int32
    /// The number of tokens, special tokens included, after which a text is cut.
    public var maxLength: Int
    private let plan: InferencePlan

    public var tokenizer: Tokenizer { pretrained.tokenizer }
    /// As the tokenizer spells it, such as `[MASK]` or `<mask>`.
    public var mask: String { tokenizer.token(of: maskID) ?? "" }

    /// - Parameter precision: of the encoder's products, which is available.
    public init(_ directory: ModelDirectory, precision: Precision = .f32) throws(ModelError) {
        let checkpoint = try OpenedCheckpoint(directory)
        try checkpoint.requireModel(for: "fill")
        let architecture = checkpoint.architecture
        // Some heads of pre-training hold one for masked words.
        let name = architecture.maskedHead.map { $0.dense + ".weight" }
        if PublishedHead(checkpoint.configuration)?.kind != .pretraining
            || name.flatMap({ checkpoint.weights[$0] }) == nil
        {
            try PublishedHead.require(.maskedLanguageModel, in: checkpoint.configuration)
        }
        guard let layout = architecture.maskedHead else {
            throw .noMaskedHead(directory.configuration, modelType: architecture.modelType)
        }
        pretrained = try checkpoint.encoder()
        guard let maskID = pretrained.tokenizer.maskID else { throw .noMaskToken(directory.path) }
        self.maskID = maskID
        let encoder = pretrained.encoder
        head = try loading { () throws(CheckpointError) in
            let head = try MaskedLanguageHead(
                checkpoint.source.root, architecture, layout, words: encoder.embeddings.wordEmbeddings.weight)
            try checkpoint.source.checkAllUsed {
                architecture.isBufferOrPretrainingHead($0) || architecture.isPooler($0)
            }
            return head
        }
        maxLength = pretrained.maxLength
        plan = try Embeddings.plan(encoder, precision)
        head.pack()
    }

    /// The most probable tokens of every masked place of tokenized texts, best first.
    ///
    /// - Returns: for each text, for each of its masked places.
    public func candidates(_ texts: [TokenizedText], count: Int) -> [[[Candidate]]] {
        LengthSortedBatches(texts.map(\.count)).mapEach { batch in
            let tokens = TokenBatch(batch.map { texts[$0] })
            let rows = tokens.inputIDs.indices.filter { tokens.inputIDs[$0] == maskID }
            let hidden = plan.encode(tokens).gather(rows.map { Int32($0) })
            var found: [[Candidate]] = []
            // Few places at a time: each has a row of the vocabulary's size.
            for start in stride(from: 0, to: rows.count, by: Self.placesAtOnce) {
                let logits = head.forward(hidden.rows(start..<min(rows.count, start + Self.placesAtOnce)))
                let probabilities = logits.softmaxedRows()
                found += (0..<probabilities.rows).map { Self.best(probabilities.row($0), count) }
            }
            return tokens.sequences.map { sequence in
                rows.indices.filter { sequence.contains(rows[$0]) }.map { found[$0] }
            }
        }
    }

    private static let placesAtOnce = 32

    private static func best(_ probabilities: ArraySlice<Float>, _ count: Int) -> [Candidate] {
        var best: [Candidate] = []
        for (id, probability) in probabilities.enumerated() {
            if best.count == count, probability <= best[count - 1].probability { continue }
            let place = best.firstIndex { $0.probability < probability } ?? best.count
            if best.count == count { best.removeLast() }
            best.insert(Candidate(id: Int32(id), probability: probability), at: place)
        }
        return best
    }
}
