public import Checkpoints
import JSON
import Tensors

/// RoBERTa, and CamemBERT and XLM-RoBERTa, which differ in their vocabularies: BERT with places that count from behind the
/// padding's id.
///
/// Sources: Liu et al. 2019, "RoBERTa"; Martin et al. 2020, "CamemBERT"; Conneau et al. 2020, "Unsupervised Cross-lingual
/// Representation Learning at Scale".
public enum RoBERTa: EncoderFamily {
    public static let modelTypes = ["roberta", "camembert", "xlm-roberta"]

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        let classes = ["roberta": "Roberta", "camembert": "Camembert", "xlm-roberta": "XLMRoberta"]
        let dropout = try file.dropout(
            "classifier_dropout", absent: Double(file.dropout("hidden_dropout_prob", absent: 0.1)))
        var architecture = try BERT.architecture(
            file, prefix: "roberta",
            head: HeadArchitecture(
                classPrefix: classes[try file.string("model_type")] ?? "Roberta", dense: "classifier.dense",
                inputDropout: dropout, dropout: dropout, output: "classifier.out_proj"))
        try architecture.countPlaces(file, behindPaddingID: file.object["pad_token_id"]?.integer ?? 1)
        architecture.maskedHead = .roberta(file)
        return architecture
    }
}

extension MaskedHeadArchitecture {
    /// RoBERTa's head, which MPNet has too.
    static func roberta(_ file: JSONFile) -> MaskedHeadArchitecture {
        MaskedHeadArchitecture(
            file, dense: "lm_head.dense", activation: .gelu, norm: "lm_head.layer_norm", decoder: "lm_head.decoder",
            tiedBias: "lm_head")
    }
}

extension EncoderArchitecture {
    /// RoBERTa's rule for places, which MPNet has too.
    mutating func countPlaces(_ file: JSONFile, behindPaddingID id: Int) throws(CheckpointError) {
        guard let count = learnedPositions?.count, id >= 0, count > id + 1 else {
            throw file.invalid("max_position_embeddings", expected: "more than pad_token_id + 1 (\(id + 1))")
        }
        let positions = LearnedPositions(count: count, paddingID: id)
        learnedPositions = positions
        maxTokens = positions.maxTokens
    }
}
