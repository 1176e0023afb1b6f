public import Embeddings
import Tensors
import Transformer

/// What a sentence encoder learns: a loss with its settings.
public struct SentenceObjective: Equatable, Sendable {
    /// The losses, by the names of the command line.
    public enum Loss: String, Sendable, CaseIterable {
        /// Multiple negatives ranking.
        case mnr
        case cosent
        case angle
        case cosine
        case contrastive
        /// Contrastive, of the hard pairs of each batch.
        case contrastiveOnline = "contrastive-online"
        case triplet
        case batchAll = "batch-all"
        case batchHard = "batch-hard"
        case batchHardSoftMargin = "batch-hard-soft-margin"
        case batchSemiHard = "batch-semi-hard"
        case softmax
        /// Every text with itself under other dropout, against the others.
        case simcse
        /// A decoder is to say every text from the vector of what is left of it.
        case tsdae
        /// A teacher's vectors.
        case distill
        /// A teacher's differences between similarities.
        case marginDistill = "margin-distill"
    }

    public var loss: Loss
    /// Of ranking losses; `nil` is 20.
    public var scale: Double?
    /// Of contrastive and triplet losses; `nil` is the loss's own.
    public var margin: Double?
    /// Of triplet losses.
    public var distance = VectorDistance.euclidean
    /// Whether with `mnr` positives find their anchors, too.
    public var isSymmetric = false
    /// The numbers of columns at which vectors may be cut; none: they are not.
    public var dimensions: [Int] = []
    /// Of each; `nil` is 1 for all.
    public var dimensionWeights: [Double]?

    /// How many words `tsdae` leaves out of a text; `nil` is 0.6.
    public var deleteRatio: Double?

    public init(_ loss: Loss) { self.loss = loss }

    /// What a loss reads of each example's labels.
    enum Label { case none, score, binary, classes }

    /// How many texts an example has, with and without a teacher's or a person's scores.
    var texts: ClosedRange<Int> {
        switch loss {
        case .mnr: 2...16
        case .angle: 2...16
        case .cosent, .cosine, .contrastive, .contrastiveOnline, .softmax: 2...2
        case .triplet: 3...3
        case .batchAll, .batchHard, .batchHardSoftMargin, .batchSemiHard, .simcse, .tsdae: 1...1
        case .distill: 1...16
        case .marginDistill: 3...3
        }
    }

    /// - Parameters:
    ///   - texts: of an example.
    ///   - hasTeacher: whether a teacher says what to learn.
    func label(texts: Int, hasTeacher: Bool) -> Label {
        switch loss {
        case .mnr, .triplet, .simcse, .tsdae, .distill: .none
        case .angle: texts == 2 ? .score : .none
        case .marginDistill: hasTeacher ? .none : .score
        case .cosent, .cosine: .score
        case .contrastive, .contrastiveOnline: .binary
        case .batchAll, .batchHard, .batchHardSoftMargin, .batchSemiHard, .softmax: .classes
        }
    }

    /// Whether a teacher's vectors are needed, or may stand for scores.
    public var takesTeacher: Bool { loss == .distill || loss == .marginDistill }

    var sampler: BatchSampler {
        switch loss {
        case .mnr, .simcse: .withoutDuplicates
        case .batchAll, .batchHard, .batchHardSoftMargin, .batchSemiHard: .groupedByLabel
        default: .shuffled
        }
    }

    /// Whether scores have to be cosines.
    var needsCosines: Bool { loss == .cosine }

    /// How texts are damaged; `nil`: they are not.
    var deletion: WordDeletion? { loss == .tsdae ? WordDeletion(ratio: deleteRatio ?? 0.6) : nil }

    /// - Parameters:
    ///   - size: of the vectors.
    ///   - decoder: of the vectors; `tsdae` needs one.
    ///   - dropout: of the decoder.
    func makeLoss(
        size: Int, labels: Int, random: RandomSource, decoder: VectorDecoder? = nil, dropout: RandomSource? = nil
    ) -> any SentenceLoss {
        let inner: any SentenceLoss =
            switch loss {
            case .mnr: MultipleNegativesRankingLoss(scale: Float(scale ?? 20), isSymmetric: isSymmetric)
            case .simcse: MultipleNegativesRankingLoss(scale: Float(scale ?? 20))
            case .cosent: CoSENTLoss(scale: scale ?? 20)
            case .angle: CoSENTLoss(scale: scale ?? 20, measure: .angle)
            case .cosine: CosineSimilarityLoss()
            case .contrastive: ContrastiveLoss(margin: margin ?? 0.5)
            case .contrastiveOnline: ContrastiveLoss(margin: margin ?? 0.5, isOnline: true)
            case .triplet: TripletLoss(distance: distance, margin: margin ?? 5)
            case .batchAll: BatchTripletLoss(.all, distance: distance, margin: margin ?? 5)
            case .batchHard: BatchTripletLoss(.hard, distance: distance, margin: margin ?? 5)
            case .batchHardSoftMargin: BatchTripletLoss(.hardSoftMargin, distance: distance)
            case .batchSemiHard: BatchTripletLoss(.semiHard, distance: distance, margin: margin ?? 5)
            case .softmax: SoftmaxLoss(size: size, labels: labels, random: random)
            case .tsdae:
                if let decoder {
                    DenoisingAutoEncoderLoss(decoder, dropout: dropout)
                } else {
                    preconditionFailure("tsdae without a decoder")
                }
            case .distill: DistillationLoss()
            case .marginDistill: MarginDistillationLoss()
            }
        return dimensions.isEmpty
            ? inner : MatryoshkaLoss(inner, dimensions: dimensions, weights: dimensionWeights)
    }
}
