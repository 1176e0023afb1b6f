import Embeddings
import JSON
import Tensors
import TestSupport

/// What `generate_sentences.py` wrote.
enum SentenceGoldens {
    static func file(_ name: String) throws -> JSON { try Golden.json(Golden.directory("sentences"), name + ".json") }

    /// The losses by the names of the generator.
    ///
    /// - Parameter softmax: made where it is asked for, since it has weights.
    static func loss(_ name: String, softmax: () throws -> SoftmaxLoss) throws -> any SentenceLoss {
        switch name {
        case "mnr", "mnr-negatives", "mnr-cached": MultipleNegativesRankingLoss()
        case "mnr-symmetric": MultipleNegativesRankingLoss(scale: 10, isSymmetric: true)
        case "mnr-matryoshka":
            MatryoshkaLoss(MultipleNegativesRankingLoss(), dimensions: [10, 6, 3], weights: [1, 0.5, 2])
        case "cosent": CoSENTLoss()
        case "angle", "angle-tuples": CoSENTLoss(measure: .angle)
        case "cosine": CosineSimilarityLoss()
        case "contrastive": ContrastiveLoss()
        case "contrastive-online": ContrastiveLoss(isOnline: true)
        case "triplet": TripletLoss()
        case "triplet-manhattan": TripletLoss(distance: .manhattan, margin: 0.5)
        case "triplet-cosine": TripletLoss(distance: .cosine, margin: 0.3)
        case "batch-all": BatchTripletLoss(.all, margin: 1)
        case "batch-hard": BatchTripletLoss(.hard)
        case "batch-hard-cosine": BatchTripletLoss(.hard, distance: .cosine, margin: 0.2)
        case "batch-hard-soft-margin": BatchTripletLoss(.hardSoftMargin)
        case "batch-semi-hard": BatchTripletLoss(.semiHard, margin: 1)
        case "softmax": try softmax()
        case "distill": DistillationLoss()
        case "margin-distill": MarginDistillationLoss()
        default: throw Unknown(name: name)
        }
    }

    struct Unknown: Error { let name: String }

    /// - Parameter count: of the columns of texts.
    static func targets(_ name: String, _ labels: JSON?, columns count: Int) -> SentenceTargets {
        guard let rows = labels?.array else { return .none }
        switch name {
        case _ where name.hasPrefix("batch"), "softmax": return .classes((labels?.integers ?? []))
        case "distill":
            let values = rows.flatMap { $0.numbers.map { Float($0) } }
            return .vectors([Tensor([rows.count, values.count / rows.count], values)])
        default: return .scores((labels?.numbers ?? []).map { Float($0) })
        }
    }

    static func tensor(_ json: JSON?, _ shape: Shape) -> Tensor {
        Tensor(shape, (json?.numbers ?? []).map { Float($0) })
    }
}
