import Embeddings
import JSON
import Tensors
import TestSupport
import Testing
import Transformer

/// Against sentence-transformers, for made-up vectors.
@Suite("SentenceLoss")
struct SentenceLossTests {
    static let names = [
        "mnr", "mnr-negatives", "mnr-symmetric", "cosent", "angle", "angle-tuples", "cosine", "contrastive",
        "contrastive-online", "triplet", "triplet-manhattan", "triplet-cosine", "batch-all", "batch-hard",
        "batch-hard-cosine", "batch-hard-soft-margin", "batch-semi-hard", "softmax", "distill", "margin-distill",
    ]

    private struct Case {
        let columns: [Tensor]
        let expected: JSON
        let targets: SentenceTargets
        let loss: any SentenceLoss
        let size: Int

        init(_ name: String) throws {
            let file = try SentenceGoldens.file("losses")
            let size = try #require(file["size"]?.integer)
            let expected = try #require(file["losses"]?[name])
            let count = try #require(expected["columns"]?.integer)
            columns = try #require(file["vectors"]?.array).prefix(count).map {
                SentenceGoldens.tensor($0, [$0.numbers.count / size, size])
            }
            targets = SentenceGoldens.targets(name, expected["labels"], columns: count)
            loss = try SentenceGoldens.loss(name) {
                SoftmaxLoss(
                    Linear(
                        weight: Parameter("weight", SentenceGoldens.tensor(expected["weight"], [3, 3 * size])),
                        bias: Parameter("bias", SentenceGoldens.tensor(expected["bias"], [3]))))
            }
            self.expected = expected
            self.size = size
        }
    }

    @Test("value and gradient are sentence-transformers'", arguments: names)
    func parity(name: String) throws {
        let golden = try Case(name)
        let (loss, gradients) = golden.loss.evaluate(golden.columns, golden.targets)
        let expected = try #require(golden.expected["loss"]?.number)
        #expect(abs(loss - expected) < 1e-5 * max(1, abs(expected)))
        #expect(gradients.count == golden.columns.count)
        for (found, wanted) in zip(gradients, golden.expected["gradients"]?.array ?? []) {
            #expect(found.relativeDifference(from: SentenceGoldens.tensor(wanted, found.shape)) < 1e-4)
        }
        for (parameter, key) in zip(golden.loss.parameters, ["weightGradient", "biasGradient"]) {
            let wanted = SentenceGoldens.tensor(golden.expected[key], parameter.shape)
            #expect(try #require(parameter.gradient).dense.relativeDifference(from: wanted) < 1e-4)
        }
    }

    @Test("the gradient is that of central differences, through Matryoshka's cuts too", arguments: names)
    func differences(name: String) throws {
        let golden = try Case(name)
        let losses: [any SentenceLoss] =
            name == "distill" || name == "softmax"
            ? [golden.loss]
            : [golden.loss, MatryoshkaLoss(golden.loss, dimensions: [golden.size, 3], weights: [1, 0.5])]
        for loss in losses {
            let gradients = loss.evaluate(golden.columns, golden.targets).gradients
            // Along the gradient itself the loss rises with the square of its length.
            let square = gradients.reduce(0) { $0 + $1.sumOfSquares }
            let step = 1e-3 / max(square.squareRoot(), 1e-6)
            func value(_ sign: Double) -> Double {
                let columns = zip(golden.columns, gradients).map { column, gradient in
                    var gradient = gradient
                    gradient.scale(by: Float(sign * step))
                    return column + gradient
                }
                return loss.evaluate(columns, golden.targets).loss
            }
            let slope = (value(1) - value(-1)) / (2 * step)
            #expect(abs(slope - square) <= 0.01 * square, "\(slope), \(square)")
        }
    }

    @Test("equal vectors have no direction in which they part")
    func equalVectors() {
        let vectors = Tensor([2, 3], [1, 2, 3, 4, 5, 6])
        for distance in VectorDistance.allCases {
            let loss = TripletLoss(distance: distance, margin: 1)
            let (value, gradients) = loss.evaluate([vectors, vectors, vectors], .none)
            #expect(abs(value - 1) < 1e-6 && gradients.allSatisfy(\.isFinite))
        }
        let (value, gradients) = BatchTripletLoss(.hard).evaluate([vectors], .classes([0, 0]))
        #expect(value.isFinite && gradients[0].isFinite)
    }

    @Test("vectors of zeros have finite gradients")
    func zeros() {
        let zeros = Tensor.zeros([3, 4])
        for loss in [MultipleNegativesRankingLoss(), CoSENTLoss(), CoSENTLoss(measure: .angle)] as [any SentenceLoss] {
            let (value, gradients) = loss.evaluate([zeros, zeros], .scores([0, 0.5, 1]))
            #expect(value.isFinite && gradients.allSatisfy(\.isFinite))
        }
    }
}
