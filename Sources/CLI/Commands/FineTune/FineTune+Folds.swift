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
            StandardError.note("fold \(fold + 1) of \(count): \(MetricsText(metrics).line)")
            try StandardOutput.print(line: .object(["fold": .integer(fold + 1), "metrics": metrics.summary]))
        }
        StandardError.note("\(count) folds: \(validation.summary)")
        let summary: JSONObject = [
            "folds": .integer(count), "mean": validation.mean, "standardDeviation": validation.standardDeviation,
        ]
        if output == nil { try StandardOutput.print(line: .object(summary)) }
        return .object(summary)
    }
}
