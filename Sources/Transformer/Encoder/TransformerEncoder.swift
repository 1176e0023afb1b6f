public import Checkpoints
public import Tensors

/// A transformer encoder of any family: token ids in, hidden states out.
///
/// Source: Vaswani et al. 2017, "Attention Is All You Need", §3.1; what a family changes is in `EncoderArchitecture`.
public final class TransformerEncoder {
    public let architecture: EncoderArchitecture
    public let embeddings: TokenEmbeddings
    public let relativeBias: RelativeAttentionBias?
    public let relativeEmbeddings: RelativeEmbeddings?
    /// From the bottom up; layers that share their parameters are one object.
    public let layers: [EncoderLayer]
    /// Behind the last of pre-norm layers.
    public let finalNorm: LayerNorm?
    /// All, each once.
    public let parameters: [Parameter]
    /// Those below the first layer.
    private let embeddingParameters: [Parameter]

    /// Whether the backward pass computes each layer's activations again instead of keeping them: a third more work, and
    /// memory for one layer at a time. The gradients are the same bits.
    ///
    /// Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", §3.
    public var recomputesActivations = false

    public struct Saved: Sendable {
        let embeddings: TokenEmbeddings.Saved
        let layers: [LayerSaved]
        let finalNorm: LayerNorm.Saved?
        let finalMask: DropoutMask?
        let sequences: [Range<Int>]
    }

    enum LayerSaved: Sendable {
        case activations(EncoderLayer.Saved)
        /// What the layer was given, and the state of the random source then.
        case input(Tensor, firstOnly: Bool, randomState: UInt64?)
    }

    /// - Parameter root: the root of a checkpoint; the encoder's names begin there with `architecture.names.prefix`.
    public init(_ root: ParameterScope, _ architecture: EncoderArchitecture) throws(CheckpointError) {
        self.architecture = architecture
        let scope = root[architecture.names.prefix]
        let before = scope.source.parameters.count
        embeddings = try TokenEmbeddings(scope, architecture)
        relativeBias = try RelativeAttentionBias(scope, architecture)
        relativeEmbeddings = try RelativeEmbeddings(scope, architecture)
        embeddingParameters = Array(scope.source.parameters[before...])
        let rotary = RotaryTables(architecture)
        var shared: [String: EncoderLayer] = [:]
        var layers: [EncoderLayer] = []
        for (index, path) in architecture.layerPaths.enumerated() {
            if let layer = shared[path] {
                layers.append(layer)
                continue
            }
            let isMean = architecture.hasMeanLayer && index == architecture.layerPaths.count - 1
            let layer = try EncoderLayer(
                isMean ? scope[path].initializing : scope[path], architecture, index: index, relativeBias: relativeBias,
                relativeEmbeddings: relativeEmbeddings, rotary: rotary[index])
            if isMean { layer.becomeMean() }
            shared[path] = layer
            layers.append(layer)
        }
        self.layers = layers
        finalNorm =
            architecture.isPreNorm
            ? try LayerNorm(
                scope[architecture.names.finalNorm], size: architecture.hiddenSize, architecture.normalization) : nil
        parameters = Array(scope.source.parameters[before...])
    }

    /// - Precondition: ids are below `vocabSize`, sequences no longer than `maxTokens`.
    /// - Parameters:
    ///   - firstOnly: whether only the first token's state of each sequence is wanted, as a classification head does.
    ///   - random: applies dropout when given.
    /// - Returns: the hidden states of the last layer, `[tokens, hiddenSize]`, or `[sequences, hiddenSize]`.
    public func forward(
        _ batch: TokenBatch, firstOnly: Bool = false, training random: RandomSource? = nil
    ) -> (output: Tensor, saved: Saved) {
        var (hidden, embeddingsSaved) = embeddings.forward(batch, training: random)
        var layersSaved: [LayerSaved] = []
        for (index, layer) in layers.enumerated() {
            let firstOnly = firstOnly && index == layers.count - 1
            let state = random?.state
            let (output, saved) = layer.forward(hidden, batch.sequences, firstOnly: firstOnly, training: random)
            layersSaved.append(
                recomputesActivations
                    ? .input(hidden, firstOnly: firstOnly, randomState: state) : .activations(saved))
            hidden = output
        }
        let normalized = finalNorm?.forward(hidden)
        hidden = normalized?.output ?? hidden
        let mask = DropoutMask(probability: architecture.finalDropout, random: random)
        hidden.apply(mask)
        return (
            hidden,
            Saved(
                embeddings: embeddingsSaved, layers: layersSaved, finalNorm: normalized?.saved, finalMask: mask,
                sequences: batch.sequences)
        )
    }

    /// The hidden states of the embeddings and of every layer, `[tokens, hiddenSize]` each; of pre-norm layers what the
    /// residuals sum up to, and in place of the last its normalized form.
    public func hiddenStates(_ batch: TokenBatch) -> [Tensor] {
        var states = [embeddings.forward(batch, training: nil).output]
        for layer in layers {
            states.append(layer.forward(states[states.count - 1], batch.sequences, training: nil).output)
        }
        if let finalNorm { states[states.count - 1] = finalNorm.forward(states[states.count - 1]).output }
        return states
    }

    /// Adds to the gradients of all trainable parameters; stops below the lowest of them.
    public func backward(_ gradient: Tensor, _ saved: Saved) {
        var gradient = gradient
        gradient.apply(saved.finalMask)
        if let finalNorm, let rows = saved.finalNorm { gradient = finalNorm.backward(gradient, rows) }
        for index in layers.indices.reversed() {
            guard hasTrainableParameters(upTo: index) else { return }
            let layer = layers[index]
            switch saved.layers[index] {
            case .activations(let activations): gradient = layer.backward(gradient, activations)
            case .input(let input, let firstOnly, let randomState):
                let again = layer.forward(
                    input, saved.sequences, firstOnly: firstOnly,
                    training: randomState.map { RandomSource(seed: $0) })
                gradient = layer.backward(gradient, again.saved)
            }
        }
        if hasTrainableParameters(upTo: -1) { embeddings.backward(gradient, saved.embeddings) }
    }

    /// How high a parameter stands: 0 for the embeddings, then the layers from 1 on, and behind the last one what follows
    /// it, of the encoder or of a head. A parameter that layers share stands where the last of them does.
    public func depth(of parameter: Parameter) -> Int {
        if let layer = architecture.layerPaths.lastIndex(where: { parameter.name.contains("\($0).") }) {
            return layer + 1
        }
        return embeddingParameters.contains { $0 === parameter } ? 0 : layers.count + 1
    }

    /// Whether the embeddings or a layer up to this one learn.
    private func hasTrainableParameters(upTo layer: Int) -> Bool {
        embeddingParameters.contains { $0.isTrainable }
            || layers.prefix(layer + 1).contains { $0.parameters.contains { $0.isTrainable } }
    }

    /// Packs all matrices for training, until the parameters change.
    public func pack() {
        let linears = linears
        ThreadPool.shared.run(linears.count) { linears[$0].pack() }
    }

    /// Gives the memory of packed matrices back.
    public func unpack() {
        for linear in linears { linear.weight.unpack() }
    }

    /// Chooses the precision of the products in both passes: f32, or bf16 where available.
    public func setPrecision(_ precision: Precision) {
        for linear in linears { linear.precision = precision }
    }

    /// Every matrix once.
    private var linears: [Linear] {
        var seen: Set<ObjectIdentifier> = []
        let layers = layers.filter { seen.insert(ObjectIdentifier($0)).inserted }
        return (embeddings.projection.map { [$0] } ?? []) + layers.flatMap(\.linears)
    }
}

/// The rotary positions of an encoder's layers.
private struct RotaryTables {
    private let all: RotaryTable?
    private let local: RotaryTable?
    private let localLayers: Set<Int>

    init(_ architecture: EncoderArchitecture) {
        localLayers = architecture.localAttention?.layers ?? []
        guard case .rotary(let base, let size, let factor) = architecture.relativePositions else {
            (all, local) = (nil, nil)
            return
        }
        let table = RotaryTable(positions: architecture.maxTokens, size: size, base: base, ntkFactor: factor)
        all = table
        local = architecture.localAttention.map {
            $0.rotaryBase == base
                ? table : RotaryTable(positions: architecture.maxTokens, size: size, base: $0.rotaryBase)
        }
    }

    subscript(layer: Int) -> RotaryTable? { localLayers.contains(layer) ? local : all }
}
