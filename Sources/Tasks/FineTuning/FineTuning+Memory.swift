import Tensors
import Transformer

extension FineTuning {
    /// About how many bytes training takes: weights, gradients, moments, packed matrices and activations.
    func estimatedMemory(_ texts: TokenizedTexts, dev: TokenizedTexts?) -> Int {
        let encoder = model.encoder.architecture
        guard !configuration.method.learnsHeadAlone else {
            let rows = texts.count + (dev?.count ?? 0)
            return InferencePlan.bytes(encoder, configuration.precision) + 4 * rows * encoder.hiddenSize
        }
        let values = optimizer.parameters.reduce(0) { $0 + $1.shape.count }
        let longest = texts.lengths.max() ?? 0
        var tokens = longest * min(configuration.batchSize, texts.count)
        if configuration.optimization.mixupAlpha == 0 {
            tokens = max(longest, min(TrainingParts.tokensPerPart, tokens))
        }
        let layers = configuration.recomputesActivations ? 2 : encoder.numHiddenLayers
        return values * (20 + 4 * configuration.optimization.copies)
            + tokens * encoder.activationBytes(longest: longest) * layers
    }

    /// An adapter of more values than the encoder has is what is too large.
    var memoryAdvice: String {
        let values = optimizer.parameters.reduce(0) { $0 + $1.shape.count }
        let base = model.encoder.parameters.filter { !$0.isTrainable }.reduce(0) { $0 + $1.shape.count }
        if configuration.method == .lora, values > base { return "Lower --rank." }
        return "Lower --max-length, use --recompute, or --method head."
    }
}

extension EncoderArchitecture {
    /// What training keeps of a token in a layer: rows of the hidden size and of the intermediate one, and its attention.
    func activationBytes(longest: Int) -> Int {
        4 * (14 * hiddenSize + 3 * intermediateSize + 2 * numAttentionHeads * longest)
    }
}
