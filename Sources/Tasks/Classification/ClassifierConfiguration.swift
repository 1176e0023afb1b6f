import Checkpoints
import JSON

/// The part of `config.json` that describes a classification head.
enum ClassifierConfiguration {
    /// The labels in the order of the logits, from `id2label`.
    static func labels(_ file: JSONFile) throws(CheckpointError) -> [String] {
        if let type = file.object["problem_type"]?.string, type != "single_label_classification" {
            throw file.invalid("problem_type", expected: "\"single_label_classification\"")
        }
        guard let names = file.object["id2label"]?.object else {
            throw .invalidValue(
                file.path, key: "id2label", found: nil,
                expected: "the labels of a classifier; this model has no classification head (graft finetune makes one)"
            )
        }
        var labels: [String] = []
        for index in 0..<names.members.count {
            guard let label = names["\(index)"]?.string else {
                throw file.invalid("id2label", expected: "names for the labels 0 to \(names.members.count - 1)")
            }
            labels.append(label)
        }
        guard labels.count >= 2, Set(labels).count == labels.count else {
            throw file.invalid("id2label", expected: "at least two different labels")
        }
        return labels
    }

    /// The configuration of a classifier made from a pretrained model, with all that the model's own says beside it.
    static func object(_ base: JSONObject, labels: [String], classPrefix: String) -> JSONObject {
        var object = base
        object["architectures"] = .array([.string("\(classPrefix)ForSequenceClassification")])
        var names = JSONObject()
        var indices = JSONObject()
        for (index, label) in labels.enumerated() {
            names.append("\(index)", .string(label))
            indices.append(label, .integer(index))
        }
        object["id2label"] = .object(names)
        object["label2id"] = .object(indices)
        object["num_labels"] = nil
        object["problem_type"] = .string("single_label_classification")
        return object
    }
}
