import Checkpoints
public import SystemPackage
import Tensors

/// A supervised fastText model: what it says of texts.
///
/// Probabilities are those of fastText without the 1e-5 that it adds to them, and without its tables for the sigmoid.
public final class FastTextClassifier: Sendable {
    /// In the order of the logits, without the prefix that marks labels.
    public let labels: [String]
    /// Whether each label is a question of its own.
    public let isOneVersusAll: Bool
    private let model: FastTextModel
    private let output: RowTable
    /// Of hierarchical softmax.
    private let tree: LabelTree?

    /// - Throws: `noClassifier` for another file.
    public init(_ path: FilePath) throws(WordVectorsError) {
        let file = try readingVectors { () throws(CheckpointError) in try MappedFile(path) }
        guard FastTextModel.isModel(file) else { throw .noClassifier(path, found: "no model of fastText's") }
        model = try FastTextModel(file)
        guard model.kind == .supervised else { throw .noClassifier(path, found: "word vectors without labels") }
        guard model.labels.count > 1, model.output.count == model.labels.count else {
            throw .header(path, "\(model.output.count.counted("row")) for \(model.labels.count.counted("label"))")
        }
        labels = model.labels.map {
            $0.hasPrefix(FastTextModel.labelPrefix) ? String($0.dropFirst(FastTextModel.labelPrefix.count)) : $0
        }
        isOneVersusAll = model.loss == .oneVersusAll || model.loss == .negativeSampling
        tree = model.loss == .hierarchicalSoftmax ? LabelTree(counts: model.labelCounts) : nil
        output = RowTable(rows: model.output.count, columns: model.output.columns)
        for row in 0..<output.rows {
            var values = [Float](repeating: 0, count: output.columns)
            model.output.add([Int32(row)], to: &values)
            guard values.allSatisfy(\.isFinite) else { throw .notFinite(path, word: model.labels[row]) }
            output.set(row, values)
        }
    }

    public var words: Int { model.words.count }
    public var dimension: Int { model.input.columns }
    public var wordNgrams: Int { model.wordNgrams }
    /// The rows that n-grams of letters and runs of words share.
    public var buckets: Int { model.subwords.hashing.buckets }
    /// What labels' scores stand for.
    public var loss: String {
        switch model.loss {
        case .hierarchicalSoftmax: "hierarchical softmax"
        case .negativeSampling: "negative sampling"
        case .softmax: "softmax"
        case .oneVersusAll: "one versus all"
        }
    }

    /// The logits of a text's words; of hierarchical softmax the logarithms of the probabilities.
    public func logits(_ words: [String]) -> [Float] {
        let scores = output.products(with: model.input.mean(model.rows(ofWords: words)))
        return tree?.logProbabilities(scores) ?? scores
    }
}
