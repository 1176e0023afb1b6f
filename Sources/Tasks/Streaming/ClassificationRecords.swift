import JSON
import Tensors

/// Input lines to records with what a head says of them: a label, a set of labels, or a number.
public struct ClassificationRecords {
    private let classifier: any TextClassifier
    private let showsAllScores: Bool
    private let topK: Int?

    /// - Parameters:
    ///   - showsAllScores: adds the scores of all labels.
    ///   - topK: adds the scores of so many labels, the best first.
    public init(_ classifier: any TextClassifier, showsAllScores: Bool = false, topK: Int? = nil) {
        self.classifier = classifier
        self.showsAllScores = showsAllScores
        self.topK = topK
    }

    public func render(_ items: [RecordStream.Item]) -> [UInt8] {
        let usable = UsableItems(items)
        let scores = classifier.scores(classifier.logits(of: usable.inputs))
        return usable.records { place, writer in
            write(Array(scores.row(place)), to: &writer)
        }
    }

    /// Writes the members that the scores of a text bring.
    func write(_ scores: [Float], to writer: inout JSONWriter) {
        switch classifier.problem {
        case .singleLabel:
            let best = scores.indices.max { scores[$0] < scores[$1] }!
            writer.key("label")
            writer.string(classifier.labels[best])
            writer.key("score")
            writer.number(scores[best])
            if showsAllScores || topK != nil { writeScores(scores, to: &writer) }
        case .multiLabel:
            writer.key("labels")
            writer.beginArray()
            for (label, score) in zip(classifier.labels, scores) where score >= classifier.threshold {
                writer.string(label)
            }
            writer.endArray()
            writeScores(scores, to: &writer)
        case .regression:
            if scores.count == 1 {
                writer.key(classifier.givesScore ? "score" : "value")
                writer.number(scores[0])
            } else {
                writer.key("values")
                write(scores.indices, of: scores, to: &writer)
            }
        }
    }

    /// In the order of the labels, or where only the best are wanted, the best first.
    private func writeScores(_ scores: [Float], to writer: inout JSONWriter) {
        writer.key("scores")
        if let topK {
            write(scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }.prefix(topK), of: scores, to: &writer)
        } else {
            write(scores.indices, of: scores, to: &writer)
        }
    }

    private func write(_ order: some Sequence<Int>, of scores: [Float], to writer: inout JSONWriter) {
        writer.beginObject()
        for index in order {
            writer.key(classifier.labels[index])
            writer.number(scores[index])
        }
        writer.endObject()
    }
}
