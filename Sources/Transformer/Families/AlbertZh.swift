public import Checkpoints
import JSON
import Tensors

/// The Chinese ALBERT of albert_zh as its PyTorch checkpoints are published: one layer for all, BERT's names, and words that
/// are projected before places and token types are added to them.
///
/// Its configuration has no `model_type`; ALBERT's size of embeddings beside its own `ln_type` tells it apart.
///
/// Sources: github.com/brightmart/albert_zh, and github.com/lonePatient/albert_pytorch for the names.
public enum AlbertZh: EncoderFamily {
    /// Of no published file; what messages call it.
    public static let modelTypes = ["albert_zh"]

    public static func recognizes(_ file: JSONFile) throws(CheckpointError) -> Bool {
        guard let type = file.object["model_type"], type != .null else {
            return file.object["ln_type"] != nil && file.object["embedding_size"] != nil
        }
        return type.string == modelTypes[0]
    }

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        guard file.object["ln_type"]?.string == "postln" else { throw file.invalid("ln_type", expected: "\"postln\"") }
        if let type = file.object["share_type"], type != .null, type.string != "all" {
            throw file.invalid("share_type", expected: "\"all\"")
        }
        var typed = file
        typed.object["model_type"] = .string(modelTypes[0])
        var architecture = try BERT.architecture(
            typed, prefix: "bert",
            head: HeadArchitecture(classPrefix: "Albert", dense: "bert.pooler.dense", dropout: 0.1, keepsDense: true))
        architecture.embeddingSize = try file.size("embedding_size")
        architecture.embeddingProjection = .ofWords
        architecture.names.embeddingProjection = "embeddings.word_embeddings_2"
        architecture.layerPaths = architecture.layerPaths.map { _ in "encoder.layer_shared" }
        // It has a projection that transformers' heads do not have.
        architecture.maskedHead = nil
        return architecture
    }
}
