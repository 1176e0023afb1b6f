import Checkpoints
import Tensors

/// Attention of every token over the results of several adapters: `Σᵢ pᵢ·V(aᵢ)`, where `p = softmax(q(u)·k(aᵢ))`.
///
/// Source: Pfeiffer et al. 2021, "AdapterFusion: Non-Destructive Task Composition for Transfer Learning", §3.2.2.
public final class AdapterFusion {
    let query: Linear  // with a bias
    let key: Linear  // with a bias
    /// Starts as the identity; `nil` in the static kind.
    let value: Linear?
    let dropout: Float

    /// How strongly training draws `value` to the identity: the library's.
    static let regularization: Float = 0.01

    public struct Saved: Sendable {
        let query: Linear.Saved
        let queries: Tensor
        let results: [Result]
        let mask: DropoutMask?
        let probabilities: Tensor  // [tokens, adapters]

        /// Of one adapter's.
        struct Result: Sendable {
            let key: Linear.Saved
            let keys: Tensor
            let value: Linear.Saved?
            let values: Tensor
        }
    }

    package init(query: Linear, key: Linear, value: Linear?, dropout: Float) {
        (self.query, self.key, self.value, self.dropout) = (query, key, value, dropout)
    }

    /// - Parameters:
    ///   - scope: the place's `adapter_fusion_layer.NAME`.
    ///   - dropout: where the settings say nothing.
    convenience init(
        _ scope: ParameterScope, _ settings: FusionConfiguration, size: Int, dropout: Float
    ) throws(CheckpointError) {
        func linear(_ name: String) throws(CheckpointError) -> Linear {
            try Linear(scope[name], inputSize: size, outputSize: size, standardDeviation: 0.02)
        }
        var value: Linear?
        if settings.hasValue {
            // The library's identity has a millionth beside the diagonal.
            var identity = Tensor(repeating: 1e-6, [size, size])
            identity.mutate { values in for i in 0..<size { values[i * size + i] = 1 } }
            value = Linear(weight: try scope["value"].parameter("weight", [size, size], .value(identity)), bias: nil)
        }
        self.init(
            query: try linear("query"), key: try linear("key"), value: value, dropout: settings.dropout ?? dropout)
    }

    var linears: [Linear] { [query, key] + (value.map { [$0] } ?? []) }
    var parameters: [Parameter] { linears.flatMap { [$0.weight] + ($0.bias.map { [$0] } ?? []) } }

    /// - Parameters:
    ///   - input: what the adapters read, `[tokens, hiddenSize]`.
    ///   - results: those of the adapters, of the same shape.
    func forward(
        _ input: Tensor, _ results: [Tensor], training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        let (queries, querySaved) = query.forward(input)
        var saved: [Saved.Result] = []
        var scores: [Tensor] = []
        for result in results {
            let operand = ProductOperand(result, key.precision)
            let (keys, keySaved) = key.forward(operand)
            let values = value?.forward(operand)
            saved.append(
                Saved.Result(
                    key: keySaved, keys: keys, value: values?.saved, values: values?.output ?? result))
            scores.append(Tensor([input.rows, 1], queries.rowProducts(keys)))
        }
        var all = Tensor(columns: scores)
        let mask = DropoutMask(probability: dropout, random: random)
        all.apply(mask)
        let probabilities = all.softmaxedRows()
        var output = Tensor.zeros(input.shape)
        for (index, result) in saved.enumerated() {
            output.add(result.values, rowsTimes: probabilities.column(index))
        }
        return (
            output,
            Saved(
                query: querySaved, queries: queries, results: saved, mask: mask, probabilities: probabilities)
        )
    }

    /// Adds to the gradients, and returns those of the input and of the adapters' results.
    func backward(_ gradient: Tensor, _ saved: Saved) -> (input: Tensor, results: [Tensor]) {
        let probabilities = saved.probabilities
        // Of the softmax: p·(g - Σ g·p).
        let ofProbabilities = Tensor(
            columns: saved.results.map { Tensor([gradient.rows, 1], gradient.rowProducts($0.values)) })
        let sums = ofProbabilities.rowProducts(probabilities)
        var ofScores = ofProbabilities
        ofScores.mutate { values in
            for i in values.indices { values[i] -= sums[i / probabilities.columns] }
        }
        ofScores *= probabilities
        ofScores.apply(saved.mask)
        var queries = Tensor.zeros(gradient.shape)
        var results: [Tensor] = []
        for (index, result) in saved.results.enumerated() {
            let scores = ofScores.column(index)
            queries.add(result.keys, rowsTimes: scores)
            var keys = Tensor.zeros(gradient.shape)
            keys.add(saved.queries, rowsTimes: scores)
            var values = Tensor.zeros(gradient.shape)
            values.add(gradient, rowsTimes: probabilities.column(index))
            if let value, let input = result.value { values = value.backward(values, input) }
            key.backward(keys, result.key, addingTo: &values)
            results.append(values)
        }
        return (query.backward(queries, saved.query), results)
    }

    /// Adds the gradient of `0.01·‖V - I‖²`.
    func regularize() {
        guard let matrix = value?.weight else { return }
        let size = matrix.shape.columns
        matrix.accumulate { gradient in
            var difference = matrix.value
            difference.mutate { values in for i in 0..<size { values[i * size + i] -= 1 } }
            difference.scale(by: 2 * Self.regularization)
            gradient += difference
        }
    }
}

extension Tensor {
    fileprivate func column(_ index: Int) -> [Float] { columns(index..<index + 1).values }
}
