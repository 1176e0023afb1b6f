import Embeddings
import FoundationEssentials
import JSON
import SystemPackage
import Tasks

extension FineTune {
    /// Cross-validation, where `--folds` asks for it: a record for each fold, and one for all of them.
    func crossValidate(
        _ data: FineTuningData, _ examples: FineTuningData.Tokenized, _ configuration: FineTuning.Configuration,
        _ directory: FilePath
    ) throws -> JSON? {
        guard let count = self.data.folds else { return nil }
        _ = try Signals.catchInterruption()
        let validation = try CrossValidation(examples.train, folds: examples.folds) { part in
            let classifier = try newClassifier(data, configuration)
            var progress = FineTuningProgress()
            defer { progress.end() }
            _ = try FineTuning(classifier, configuration, keepingBestIn: directory)
                .run(train: part, dev: nil, isInterrupted: { Signals.isInterrupted }) { progress.show($0) }
            return classifier
        } report: { fold, metrics in
            try show(metrics, ofFold: fold, of: count)
        }
        return try show(validation)
    }

    /// The same of classifiers on word vectors.
    ///
    /// - Parameter train: a classifier on a fold's data, which is measured on its other part after each epoch.
    func crossValidate(_ data: FineTuningData, train: (FineTuningData) throws -> WordVectorFineTuning) throws -> JSON? {
        guard let count = self.data.folds else { return nil }
        let folds = try (0..<count).map { fold in
            let tuning: WordVectorFineTuning
            do { tuning = try train(data.fold(fold)) } catch WordVectorsError.noCommonWords(let vectors, let texts) {
                throw FoldWithoutWords(fold: fold, count: count, vectors: vectors, texts: texts)
            }
            let outcome = try FineTuningProgress.following { (isInterrupted, report) throws(FineTuning.Failure) in
                try tuning.run(isInterrupted: isInterrupted, report: report)
            }
            guard let metrics = outcome.keptEvaluation.dev else { preconditionFailure("a fold without a part") }
            try show(metrics, ofFold: fold, of: count)
            return metrics
        }
        return try show(CrossValidation(folds: folds))
    }

    private func show(_ metrics: EvaluationMetrics, ofFold fold: Int, of count: Int) throws {
        StandardError.note("fold \(fold + 1) of \(count): \(MetricsText(metrics).line)")
        try StandardOutput.print(line: .object(["fold": .integer(fold + 1), "metrics": metrics.summary]))
    }

    /// Shows what all folds say, where no model's own record will.
    private func show(_ validation: CrossValidation) throws -> JSON {
        StandardError.note("\(validation.folds.count) folds: \(validation.summary)")
        let summary = JSON.object([
            "folds": .integer(validation.folds.count), "mean": validation.mean,
            "standardDeviation": validation.standardDeviation,
        ])
        if output == nil { try StandardOutput.print(line: summary) }
        return summary
    }
}

/// A fold with nothing to learn from: no word of the other folds has a vector.
struct FoldWithoutWords: Error, CustomStringConvertible {
    let fold: Int
    let count: Int
    let vectors: FilePath
    let texts: FilePath

    var description: String {
        "\(vectors): has no vector for any word that is learned from in fold \(fold + 1) of \(count), which leaves out "
            + "a part of \(texts). Are both of one language? Another number of --folds or more texts may do."
    }
}
