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

    /// Those that are attached, and the one at work.
    public internal(set) var adapters: [Adapter] = []
    public internal(set) var activeAdapter: Adapter?
    var prefix: Prefix?

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
        /// The keys and values of the prefix, and what made them.
        let prefix: (output: Tensor, saved: Prefix.Saved?)?
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
        let extended = virtualTokens.added(to: batch)
        let sequences = extended.sequences
        var (hidden, embeddingsSaved) = embeddings.forward(batch, extended, training: random)
        let prefix = prefix?.forward()
        var layersSaved: [LayerSaved] = []
        for (index, layer) in layers.enumerated() {
            let firstOnly = firstOnly && index == layers.count - 1
            let state = random?.state
            let (output, saved) = layer.forward(
                hidden, sequences, prefix: layerPrefix(prefix?.output, index), firstOnly: firstOnly, training: random)
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
                sequences: sequences, prefix: prefix)
        )
    }

    /// The rows of each sequence in the hidden states: those of a prompt are in front of it.
    public func rows(of batch: TokenBatch) -> [Range<Int>] { virtualTokens.added(to: batch).sequences }

    /// The longest sequence, in tokens, beside which the virtual tokens of an adapter have places.
    public var maxTokens: Int { virtualTokens.maxTokens }

    var virtualTokens: VirtualTokens { VirtualTokens(architecture, embeddings.prompt, prefix) }

    private func layerPrefix(_ prefix: Tensor?, _ layer: Int) -> LayerPrefix? {
        prefix.map { LayerPrefix($0, layer: layer, size: architecture.attentionSize) }
    }

    /// The hidden states of the embeddings and of every layer, `[tokens, hiddenSize]` each; of pre-norm layers what the
    /// residuals sum up to, and in place of the last its normalized form.
    public func hiddenStates(_ batch: TokenBatch) -> [Tensor] {
        let extended = virtualTokens.added(to: batch)
        let (sequences, prefix) = (extended.sequences, prefix?.forward().output)
        var states = [embeddings.forward(batch, extended, training: nil).output]
        for (index, layer) in layers.enumerated() {
            let prefix = layerPrefix(prefix, index)
            states.append(
                layer.forward(states[states.count - 1], sequences, prefix: prefix, training: nil).output)
        }
        if let finalNorm { states[states.count - 1] = finalNorm.forward(states[states.count - 1]).output }
        return states
    }

    /// Adds to the gradients of all trainable parameters; stops below the lowest of them.
    public func backward(_ gradient: Tensor, _ saved: Saved) {
        var gradient = gradient
        gradient.apply(saved.finalMask)
        if let finalNorm, let rows = saved.finalNorm { gradient = finalNorm.backward(gradient, rows) }
        var prefixGradients: [Tensor] = []
        defer { backward(prefixGradients, saved) }
        for index in layers.indices.reversed() {
            guard hasTrainableParameters(upTo: index) else { return }
            let layer = layers[index]
            let activations: EncoderLayer.Saved
            switch saved.layers[index] {
            case .activations(let kept): activations = kept
            case .input(let input, let firstOnly, let randomState):
                activations =
                    layer.forward(
                        input, saved.sequences, prefix: layerPrefix(saved.prefix?.output, index), firstOnly: firstOnly,
                        training: randomState.map { RandomSource(seed: $0) }
                    ).saved
            }
            var prefixGradient: LayerPrefix?
            gradient = layer.backward(gradient, activations, prefix: &prefixGradient)
            if let prefixGradient { prefixGradients += [prefixGradient.value, prefixGradient.key] }
        }
        if hasTrainableParameters(upTo: -1) { embeddings.backward(gradient, saved.embeddings) }
    }

    /// - Parameter prefixGradients: of all layers, from the last one's values down.
    private func backward(_ prefixGradients: [Tensor], _ saved: Saved) {
        if let prefix, prefix.learns {
            prefix.backward(Tensor(columns: prefixGradients.reversed()), saved.prefix?.saved)
        }
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
        embeddingParameters.contains { $0.isTrainable } || embeddings.prompt?.embeddings.isTrainable ?? false
            || embeddings.projection?.learns ?? false
            || (layer >= 0 && prefix?.learns ?? false)
            || layers.prefix(layer + 1).contains(where: \.learns)
    }

    /// Packs all matrices for training, until the parameters change.
    public func pack() {
        let linears = linears
        let learns = hasTrainableParameters(upTo: layers.count - 1)
        ThreadPool.shared.run(linears.count) { linears[$0].pack(backward: learns) }
    }

    /// Gives the memory of packed matrices back.
    public func unpack() {
        for linear in linears { linear.unpack() }
    }

    /// Chooses the precision of the products in both passes: f32, or bf16 where available.
    public func setPrecision(_ precision: Precision) {
        for linear in linears { linear.precision = precision }
    }

    /// Every matrix once.
    var linears: [Linear] {
        var seen: Set<ObjectIdentifier> = []
        let layers = layers.filter { seen.insert(ObjectIdentifier($0)).inserted }
        return (embeddings.projection.map { [$0] } ?? [])
            + layers.flatMap { $0.linears + $0.adapterBlocks.flatMap(\.linears) }
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
