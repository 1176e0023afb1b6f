public import Checkpoints
public import Tensors

/// Multi-head self-attention over packed sequences, without the output projection.
///
/// Source: Vaswani et al. 2017, "Attention Is All You Need", §3.2.2.
public final class SelfAttention {
    /// The layers that make queries, keys and values.
    public enum Projections {
        case separate(query: Linear, key: Linear, value: Linear)
        /// One matrix: queries above keys above values.
        case fused(Linear)
    }

    public let projections: Projections
    let heads: Int
    /// The columns of all heads.
    let size: Int
    let scale: Float?
    let window: Int?
    let relativeBias: RelativeAttentionBias?
    let positions: PositionProjections?
    let rotary: RotaryTable?
    let dropout: Float

    public struct Saved: Sendable {
        /// The first row of each sequence, where only those attend.
        let firstRows: [Int32]?
        let inputs: [Linear.Saved]  // of `linears`
        let query, key, value: Tensor  // [queries, size], [tokens, size] twice
        /// Where the rows of a prefix are among the keys.
        let virtual: VirtualRows?
        let places: [Int32]
        let attention: PackedAttention
        let products: PackedAttention.Saved
        let positions: PositionProjections.Saved?
    }

    /// - Parameters:
    ///   - scope: the layer's place.
    ///   - window: the largest distance to a key that a query attends to.
    ///   - relativeBias: shared by the layers of an encoder, as are `relativeEmbeddings` and `rotary`.
    public init(
        _ scope: ParameterScope, _ architecture: EncoderArchitecture, window: Int? = nil,
        relativeBias: RelativeAttentionBias? = nil, relativeEmbeddings: RelativeEmbeddings? = nil,
        rotary: RotaryTable? = nil
    ) throws(CheckpointError) {
        let names = architecture.names
        size = architecture.attentionSize
        func linear(_ name: String, _ outputSize: Int) throws(CheckpointError) -> Linear {
            try Linear(
                scope[name], inputSize: architecture.hiddenSize, outputSize: outputSize,
                hasBias: architecture.hasAttentionBias, standardDeviation: architecture.initializerRange)
        }
        if let fused = names.fusedProjections {
            projections = .fused(try linear(fused, 3 * size))
            positions = nil
        } else {
            let (query, key) = (try linear(names.query, size), try linear(names.key, size))
            projections = .separate(query: query, key: key, value: try linear(names.value, size))
            positions = try PositionProjections(scope, architecture, relativeEmbeddings, keys: key, queries: query)
        }
        heads = architecture.numAttentionHeads
        scale = architecture.attentionScale
        dropout = architecture.attentionProbsDropoutProb
        self.window = window
        self.relativeBias = relativeBias
        self.rotary = rotary
    }

    /// What projects the tokens.
    public var linears: [Linear] {
        switch projections {
        case .separate(let query, let key, let value): [query, key, value]
        case .fused(let linear): [linear]
        }
    }

    private var headSize: Int { size / heads }

    /// - Parameters:
    ///   - hidden: `[tokens, hiddenSize]`; what is attended to, within each sequence.
    ///   - sequences: the rows of each sequence in `hidden`.
    ///   - prefix: stands in front of the keys and values of every sequence; for attention that knows no distances.
    ///   - firstRows: the first row of each sequence, where only those attend.
    ///   - isCausal: whether tokens attend to themselves and to those before them alone; for attention that knows no
    ///     distances.
    ///   - random: drops attention weights when given.
    /// - Returns: the context vectors, `[tokens, size]`, or `[sequences, size]`.
    public func forward(
        _ hidden: Tensor, _ sequences: [Range<Int>], prefix: LayerPrefix? = nil, firstRows: [Int32]? = nil,
        isCausal: Bool = false, training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        precondition(!isCausal || (relativeBias == nil && positions == nil), "causal attention that knows distances")
        var query: Tensor
        var key: Tensor
        var value: Tensor
        let inputs: [Linear.Saved]
        switch projections {
        case .separate(let queries, let keys, let values):
            let operand = ProductOperand(hidden, keys.precision)
            let queried =
                firstRows.map { queries.forward(hidden.gather($0), training: random) }
                ?? queries.forward(operand, training: random)
            let keyed = keys.forward(operand, training: random)
            let valued = values.forward(operand, training: random)
            (query, key, value) = (queried.output, keyed.output, valued.output)
            inputs = [queried.saved, keyed.saved, valued.saved]
        case .fused(let linear):
            let (all, saved) = linear.forward(hidden, training: random)
            inputs = [saved]
            query = all.columns(0..<size)
            if let firstRows { query = query.gather(firstRows) }
            key = all.columns(size..<2 * size)
            value = all.columns(2 * size..<3 * size)
        }
        var places: [Int32] = []
        if let rotary {
            places = sequences.flatMap { 0..<Int32($0.count) }
            query.rotate(by: rotary, at: firstRows?.map { _ in 0 } ?? places, headSize: headSize)
            key.rotate(by: rotary, at: places, headSize: headSize)
        }
        let virtual = prefix.map { VirtualRows($0.key.rows, before: sequences) }
        if let prefix, let virtual {
            (key, value) = (virtual.combined(prefix.key, key), virtual.combined(prefix.value, value))
        }
        let reach = sequences.map(\.count).max() ?? 1
        let projected = positions?.forward(reach: reach, training: random)
        let bias = isCausal ? RelativeBias(causal: heads, reach: reach) : relativeBias?.values(reach: reach)
        let attention = PackedAttention(
            queries: firstRows == nil ? sequences : sequences.indices.map { $0..<$0 + 1 },
            keys: virtual?.sequences ?? sequences,
            heads: heads, scale: scale, bias: bias, window: window,
            positions: projected?.output, dropout: DropoutMask(probability: dropout, random: random))
        let (context, products) = attention.forward(query, key, value)
        return (
            context,
            Saved(
                firstRows: firstRows, inputs: inputs, query: query, key: key, value: value, virtual: virtual,
                places: places, attention: attention, products: products, positions: projected?.saved)
        )
    }

    /// Adds to the gradients of the projections and of the relative bias, and returns the gradient of `hidden`.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        var prefix: LayerPrefix?
        return backward(gradient, saved, prefix: &prefix)
    }

    /// - Parameter prefix: becomes the gradient of the prefix, where there was one.
    func backward(_ gradient: Tensor, _ saved: Saved, prefix: inout LayerPrefix?) -> Tensor {
        let learnsBias = relativeBias?.weight?.isTrainable ?? false
        let gradients = saved.attention.backward(
            gradient, saved.query, saved.key, saved.value, saved.products, ofBias: learnsBias)
        if let bias = gradients.bias { relativeBias?.accumulate(bias) }
        if let positions, let saved = saved.positions {
            positions.backward(keys: gradients.positionKeys, queries: gradients.positionQueries, saved)
        }
        var (query, key, value) = (gradients.query, gradients.key, gradients.value)
        if let virtual = saved.virtual {
            let (keys, values) = (virtual.split(key), virtual.split(value))
            prefix = LayerPrefix(key: keys.virtual, value: values.virtual)
            (key, value) = (keys.own, values.own)
        }
        if let rotary {
            query.rotate(
                by: rotary, at: saved.firstRows?.map { _ in 0 } ?? saved.places, headSize: headSize, inverse: true)
            key.rotate(by: rotary, at: saved.places, headSize: headSize, inverse: true)
        }
        switch projections {
        case .separate(let queries, let keys, let values):
            var hidden = keys.backward(key, saved.inputs[1])
            values.backward(value, saved.inputs[2], addingTo: &hidden)
            if let firstRows = saved.firstRows {
                hidden.scatterAdd(queries.backward(query, saved.inputs[0]), at: firstRows)
            } else {
                queries.backward(query, saved.inputs[0], addingTo: &hidden)
            }
            return hidden
        case .fused(let linear):
            if let firstRows = saved.firstRows {
                var all = Tensor.zeros(key.shape)
                all.scatterAdd(query, at: firstRows)
                query = all
            }
            return linear.backward(Tensor(columns: [query, key, value]), saved.inputs[0])
        }
    }
}
