public import Embeddings
public import Tensors
public import Transformer

/// A model that fine-tuning trains: an encoder with a head on it.
public protocol TrainableModel: AnyObject {
    /// What it was made from.
    var pretrained: PretrainedEncoder { get }
    var encoder: TransformerEncoder { get }
    var head: ClassificationHead { get }
    /// All parameters, from the bottom up.
    var parameters: [Parameter] { get }

    /// - Parameter random: applies dropout when given.
    /// - Returns: the head's input, one row for each text, or for each token where tokens have labels.
    func encode(_ batch: TokenBatch, training random: RandomSource?) -> (features: Tensor, saved: SavedFeatures)

    /// Adds to the gradients of the encoder's trainable parameters.
    ///
    /// - Parameter gradient: by the features.
    func backward(features gradient: Tensor, _ saved: SavedFeatures)

    /// Packs all matrices for a training step.
    func pack()

    /// Lays the weights out for `features` and `evaluate` as they are now.
    func freeze(_ precision: Precision)

    /// The head's input: a row for each text, or for each labelled token where tokens have labels.
    ///
    /// - Parameter shouldStop: asked before each batch.
    /// - Returns: `nil` where it was stopped.
    func features(_ examples: FineTuning.Examples, shouldStop: () -> Bool) -> Tensor?

    /// Compares what the model says with what it is to say.
    ///
    /// - Parameter features: the head's input where it is known; else the encoder computes it.
    func evaluate(_ examples: FineTuning.Examples, features: Tensor?) -> EvaluationMetrics
}

/// What the backward pass of an encoder with its pooling needs.
public struct SavedFeatures: Sendable {
    let encoder: TransformerEncoder.Saved
    let sequences: [Range<Int>]
}

/// What the backward pass of an encoder with its head needs.
public struct SavedForward: Sendable {
    let features: SavedFeatures
    let mixup: Mixup?
    let head: ClassificationHead.Saved
}

extension TrainableModel {
    /// - Parameters:
    ///   - random: applies dropout when given.
    ///   - mixup: mixes the features of the texts.
    /// - Returns: the logits, one row for each text, or for each token where tokens have labels.
    public func forward(
        _ batch: TokenBatch, training random: RandomSource? = nil, mixup: Mixup? = nil
    ) -> (logits: Tensor, saved: SavedForward) {
        let (features, saved) = encode(batch, training: random)
        let (logits, head) = head.forward(mixup?.mixed(features) ?? features, training: random)
        return (logits, SavedForward(features: saved, mixup: mixup, head: head))
    }

    /// Adds to the gradients of all trainable parameters.
    public func backward(_ gradient: Tensor, _ saved: SavedForward) {
        let gradient = head.backward(gradient, saved.head)
        backward(features: saved.mixup?.backward(gradient) ?? gradient, saved.features)
    }
}

extension SequenceClassifier: TrainableModel {
    public func features(_ examples: FineTuning.Examples, shouldStop: () -> Bool) -> Tensor? {
        features(examples.texts, shouldStop: shouldStop)
    }

    public func evaluate(_ examples: FineTuning.Examples, features: Tensor?) -> EvaluationMetrics {
        evaluate(
            logits: features.map { head.forward($0).logits } ?? logits(examples.texts), targets: examples.targets)
    }
}
