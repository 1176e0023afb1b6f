public import Tensors
public import Transformer

/// Classification of pairs from `(u, v, |u - v|)`, as natural language inference is learned. The classifier is not part of
/// the encoder.
///
/// Source: Reimers and Gurevych 2019, "Sentence-BERT", §3, the classification objective.
public final class SoftmaxLoss: SentenceLoss {
    private let classifier: Linear

    /// - Parameters:
    ///   - size: of the vectors.
    ///   - random: of the classifier's first weights, which are torch's.
    public init(size: Int, labels: Int, random: RandomSource) {
        let bound = 1 / Float(3 * size).squareRoot()
        func uniform(_ shape: Shape) -> StoredTensor {
            StoredTensor(Tensor(shape, (0..<shape.count).map { _ in (2 * random.uniform() - 1) * bound }))
        }
        classifier = Linear(
            weight: Parameter("classifier.weight", uniform([labels, 3 * size]), isNew: true),
            bias: Parameter("classifier.bias", uniform([labels]), isNew: true))
    }

    /// With weights that are there.
    package init(_ classifier: Linear) { self.classifier = classifier }

    public var parameters: [Parameter] { [classifier.weight] + (classifier.bias.map { [$0] } ?? []) }

    public func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult {
        let (u, v) = (columns[0], columns[1])
        let size = u.columns
        var difference = u
        var signs = u
        difference.mutate { difference in
            for i in difference.indices { difference[i] = abs(u.values[i] - v.values[i]) }
        }
        signs.mutate { signs in
            for i in signs.indices {
                signs[i] = u.values[i] == v.values[i] ? 0 : u.values[i] > v.values[i] ? 1 : -1
            }
        }
        let (logits, saved) = classifier.forward(Tensor(columns: [u, v, difference]))
        let (loss, gradient) = CrossEntropyLoss.evaluate(logits, targets: targets.classes)
        let features = classifier.backward(gradient, saved)
        var apart = features.columns(2 * size..<3 * size) * signs
        let ofU = features.columns(0..<size) + apart
        apart.scale(by: -1)
        return (loss, [ofU, features.columns(size..<2 * size) + apart])
    }
}
