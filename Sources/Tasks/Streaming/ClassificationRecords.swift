import Glibc
import JSON
import Tensors

/// Input lines to records with a label and its probability.
public struct ClassificationRecords {
    private let classifier: SequenceClassifier
    private let showsAllScores: Bool

    /// - Parameter showsAllScores: adds the probabilities of all labels.
    public init(_ classifier: SequenceClassifier, showsAllScores: Bool = false) {
        self.classifier = classifier
        self.showsAllScores = showsAllScores
    }

    public func render(_ items: [RecordStream.Item]) -> [UInt8] {
        let usable = UsableItems(items)
        let texts = usable.map { input in
            TokenizedText(input.text, pair: input.pair, classifier.tokenizer, maxLength: classifier.maxLength)
        }
        let probabilities = classifier.logits(texts).softmaxedRows()
        var writer = JSONWriter()
        for (item, place) in zip(items, usable.places) {
            switch place {
            case .failure(let fault): writer.errorRecord(item.index, fault)
            case .success(let place):
                writer.beginRecord(item.index, id: usable.inputs[place].id)
                write(Array(probabilities.row(place)), to: &writer)
                writer.endObject()
                writer.endLine()
            }
        }
        return writer.bytes
    }

    private func write(_ scores: [Float], to writer: inout JSONWriter) {
        let best = scores.indices.max { scores[$0] < scores[$1] }!
        writer.key("label")
        writer.string(classifier.labels[best])
        writer.key("score")
        writer.number(scores[best])
        guard showsAllScores else { return }
        writer.key("scores")
        writer.beginObject()
        for (label, score) in zip(classifier.labels, scores) {
            writer.key(label)
            writer.number(score)
        }
        writer.endObject()
    }
}
