public import Checkpoints
import JSON

/// The head that a checkpoint was published with, as `config.json`'s `architectures` names it.
public struct PublishedHead: Equatable, Sendable {
    public enum Kind: String, Equatable, Sendable, CaseIterable {
        case sequenceClassification = "ForSequenceClassification"
        case tokenClassification = "ForTokenClassification"
        case maskedLanguageModel = "ForMaskedLM"
        case pretraining = "ForPreTraining"
        case questionAnswering = "ForQuestionAnswering"
        case multipleChoice = "ForMultipleChoice"
        case nextSentencePrediction = "ForNextSentencePrediction"
        /// The encoder alone.
        case none = "Model"

        /// In words.
        public var name: String {
            switch self {
            case .sequenceClassification: "sequence classification"
            case .tokenClassification: "token classification"
            case .maskedLanguageModel: "masked language modeling"
            case .pretraining: "pre-training"
            case .questionAnswering: "question answering"
            case .multipleChoice: "multiple choice"
            case .nextSentencePrediction: "next sentence prediction"
            case .none: "no head"
            }
        }

        /// What runs models with this head.
        public var verb: String? {
            switch self {
            case .sequenceClassification: "classify"
            case .tokenClassification: "tag"
            case .maskedLanguageModel: "fill"
            default: nil
            }
        }
    }

    /// Of transformers, such as `BertForTokenClassification`.
    public let className: String
    public let kind: Kind

    /// - Returns: `nil` where the configuration names no class, or one that is not known.
    public init?(_ configuration: JSONFile) {
        guard let name = configuration.object["architectures"]?.array?.first?.string,
            let kind = Kind.allCases.first(where: { name.hasSuffix($0.rawValue) })
        else { return nil }
        className = name
        self.kind = kind
    }

    /// - Throws: `ModelError.otherHead` where the configuration names a head that is not of the kind.
    public static func require(_ kind: Kind, in configuration: JSONFile) throws(ModelError) {
        guard let found = PublishedHead(configuration), found.kind != kind else { return }
        throw .otherHead(configuration.path, found: found, wanted: kind)
    }
}

extension ModelError {
    static func describe(_ found: PublishedHead, wanted: PublishedHead.Kind) -> String {
        let has = found.kind == .none ? "no head" : "a head for \(found.kind.name)"
        let verb = wanted.verb.map { "graft \($0)" } ?? "this"
        return "\(found.className) has \(has), and \(verb) needs one for \(wanted.name). \(advice(found.kind, wanted))"
    }

    private static func advice(_ found: PublishedHead.Kind, _ wanted: PublishedHead.Kind) -> String {
        let runs = found.verb.map { "graft \($0) runs it as it is" } ?? "graft embed runs its encoder"
        return wanted == .sequenceClassification ? "\(runs); graft finetune makes a classifier of it." : "\(runs)."
    }
}
