import Synchronization
public import Tensors

/// An encoder with frozen weights, laid out for inference: weights packed in the precision of the products, everything
/// between two products done in one pass over the rows, memory kept from batch to batch.
///
/// Several threads may encode at once. A sequence's hidden states do not depend on the batch, nor on the threads.
public final class InferencePlan: Sendable {
    public let precision: Precision
    private let embeddings: FrozenEmbeddings
    /// Of pre-norm layers: of what the first one reads.
    private let firstNorm: FrozenLayerNorm?
    private let layers: [FrozenEncoderLayer]
    /// Of an adapter: what stands in front of the keys and values of each layer.
    private let prefixes: [Tensor?]
    private let virtual: VirtualTokens
    private let sizes: Workspace.Sizes
    private let spare = Mutex<[Workspace]>([])

    /// - Precondition: the precision is available.
    public init(_ encoder: TransformerEncoder, precision: Precision) {
        self.precision = precision
        let architecture = encoder.architecture
        sizes = Workspace.Sizes(encoder, precision)
        // The layers are alike, and only read: the threads share them. Layers between the same neighbours are one.
        let neighbours = encoder.layers.indices.map { Neighbours(of: $0, in: encoder) }
        var distinct: [Neighbours] = []
        let places = neighbours.map { layer in
            if let place = distinct.firstIndex(of: layer) { return place }
            distinct.append(layer)
            return distinct.count - 1
        }
        let different = distinct
        let factors = parallelMap(different.count) { index in
            precision == .int8 ? different[index].factors : Neighbours.Factors()
        }
        embeddings = FrozenEmbeddings(
            encoder.embeddings, precision: precision,
            factors: architecture.isPreNorm ? nil : factors.first?.input)
        firstNorm = neighbours.first?.layer.attentionNorm.map { FrozenLayerNorm($0, factors: factors[places[0]].input) }
        let bias = encoder.relativeBias?.values(reach: architecture.maxTokens)
        let reach = architecture.maxTokens
        let relativeEmbeddings = encoder.relativeEmbeddings?.frozen(reach: reach)
        let next = neighbours.indices.map { $0 + 1 < places.count ? factors[places[$0 + 1]].input : nil }
        let firstPlaces = different.indices.map { places.firstIndex(of: $0)! }
        let frozen = parallelMap(different.count) { index in
            FrozenEncoderLayer(
                different[index], precision: precision, factors: factors[index], next: next[firstPlaces[index]], bias,
                relativeEmbeddings: relativeEmbeddings, reach: reach)
        }
        layers = places.map { frozen[$0] }
        let width = 2 * architecture.attentionSize
        let prefix = encoder.prefix?.forward().output
        prefixes = encoder.layers.indices.map { layer in prefix?.columns(layer * width..<(layer + 1) * width) }
        virtual = encoder.virtualTokens
    }

    /// About how many bytes a plan takes: the packed matrices, what packing needs besides, and a batch on each thread.
    public static func bytes(_ architecture: EncoderArchitecture, _ precision: Precision) -> Int {
        let (hidden, inner, wide) = (
            architecture.hiddenSize, architecture.attentionSize, architecture.intermediateSize
        )
        let matrices = architecture.feedForward == .plain ? 2 : 3
        let layer = 4 * hidden * inner + matrices * hidden * wide
        var positions = 0
        if case .disentangled(let kind) = architecture.relativePositions {
            positions = 2 * kind.distances.count * inner
        }
        let layers = Set(architecture.layerPaths).count
        let tokens = max(256, min(512, architecture.maxTokens))
        let row = 4 * hidden + 4 * inner + matrices * wide
        // Of a layer being packed, keys and values are copied; in bytes, every matrix once in f32.
        let copy = precision == .int8 ? hidden * max(2 * inner, (matrices - 1) * wide) : 2 * hidden * inner
        let threads = min(ThreadPool.shared.threads, layers)
        return layers * (layer * precision.bytes + 4 * positions) + threads * 4 * (copy + tokens * row)
    }

    /// - Precondition: ids are below `vocabSize`, sequences no longer than `maxTokens`.
    /// - Parameter firstOnly: whether only the first token's state of each sequence is wanted.
    /// - Returns: the hidden states of the last layer, `[tokens, hiddenSize]`, those of a prompt in front of every
    ///   sequence's, or `[sequences, hiddenSize]`.
    public func encode(_ batch: TokenBatch, firstOnly: Bool = false) -> Tensor {
        let workspace = spare.withLock { $0.popLast() } ?? Workspace(sizes)
        defer { spare.withLock { $0.append(workspace) } }
        let batch = virtual.added(to: batch)
        let tokens = workspace.tokens
        embeddings.embed(batch, into: tokens.residual, workspace)
        if sizes.isPreNorm { tokens.normalized.normalize(tokens.residual, by: firstNorm) }
        let sequences = batch.sequences
        let places = sizes.usesPlaces ? batch.places : []
        guard firstOnly, let last = layers.last else {
            for (layer, prefix) in zip(layers, prefixes) {
                layer.forward(tokens, sequences, places, queries: tokens, sequences, places, prefix: prefix, workspace)
            }
            return tokens.normalized.tensor
        }
        for (layer, prefix) in zip(layers, prefixes).dropLast() {
            layer.forward(tokens, sequences, places, queries: tokens, sequences, places, prefix: prefix, workspace)
        }
        let firsts = workspace.firsts
        let rows = sequences.map { Int32($0.lowerBound) }
        firsts.residual.gather(rows, from: tokens.residual)
        if sizes.isPreNorm { firsts.normalized.gather(rows, from: tokens.normalized) }
        last.forward(
            tokens, sequences, places, queries: firsts, sequences.indices.map { $0..<$0 + 1 },
            sizes.usesPlaces ? rows.map { _ in 0 } : [], prefix: prefixes.last ?? nil, workspace)
        return firsts.normalized.tensor
    }
}

extension InferencePlan {
    /// The rows of each sequence in the hidden states: those of a prompt are in front of it.
    public func rows(of batch: TokenBatch) -> [Range<Int>] { virtual.added(to: batch).sequences }

    /// The longest sequence, in tokens, beside which the virtual tokens of an adapter have places.
    public var maxTokens: Int { virtual.maxTokens }
}

/// Rows on their way through the layers: the sums of the residuals, and what the next product reads of them. In post-norm
/// encoders these are the same.
struct HiddenRows: Sendable {
    let residual, normalized: Activations

    init(columns: Int, precision: Precision, isPreNorm: Bool) {
        normalized = Activations(columns: columns, for: precision)
        residual = isPreNorm ? Activations(columns: columns, for: .f32) : normalized
    }
}

/// The memory in which a batch is computed, kept for the next.
struct Workspace: Sendable {
    struct Sizes: Sendable {
        let hidden, embedding, attention, intermediate: Int
        let isPreNorm, usesPlaces: Bool
        let precision: Precision
        let adapters: AdapterWorkspace.Sizes?

        init(_ encoder: TransformerEncoder, _ precision: Precision) {
            let architecture = encoder.architecture
            hidden = architecture.hiddenSize
            embedding = architecture.embeddingSize
            attention = architecture.attentionSize
            intermediate = architecture.intermediateSize
            isPreNorm = architecture.isPreNorm
            usesPlaces = if case .rotary = architecture.relativePositions { true } else { false }
            self.precision = precision
            adapters = AdapterWorkspace.Sizes(encoder)
        }
    }

    let tokens, firsts: HiddenRows
    /// Embeddings that are yet to be projected.
    let embedded: Activations
    let query, keyValue, context, intermediate: Activations
    /// Keys and values behind those of a prefix.
    let prefixed: Activations
    let scratch = ProductScratch()
    let adapters: AdapterWorkspace?

    init(_ sizes: Sizes) {
        tokens = HiddenRows(columns: sizes.hidden, precision: sizes.precision, isPreNorm: sizes.isPreNorm)
        firsts = HiddenRows(columns: sizes.hidden, precision: sizes.precision, isPreNorm: sizes.isPreNorm)
        embedded = Activations(columns: sizes.embedding, for: sizes.precision)
        query = Activations(columns: sizes.attention, for: .f32)
        keyValue = Activations(columns: 2 * sizes.attention, for: .f32)
        prefixed = Activations(columns: 2 * sizes.attention, for: .f32)
        context = Activations(columns: sizes.attention, for: sizes.precision)
        intermediate = Activations(columns: sizes.intermediate, for: sizes.precision)
        adapters = sizes.adapters.map { AdapterWorkspace($0, hiddenSize: sizes.hidden, sizes.precision) }
    }
}
