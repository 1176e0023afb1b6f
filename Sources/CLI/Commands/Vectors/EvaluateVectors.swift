import ArgumentParser
import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks

struct EvaluateVectors: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure word vectors: correlation with people's judgements of similarity, and analogies.",
        discussion: """
            Counts as gensim does: the first 300,000 words, upper and lower case alike; what has an unknown word is \
            left out, and coverage says how much remains.

            Example: graft vectors evaluate glove.txt --pairs wordsim353.tsv --pairs simlex999.tsv
            """)

    @OptionGroup var vectors: VectorsArgument
    @OptionGroup var threads: ThreadOption

    @Option(
        help: ArgumentHelp(
            "Lines of two words and a score with tabs between them; may be given several times.", valueName: "file"),
        completion: .file())
    var pairs: [String] = []

    @Option(
        help: ArgumentHelp("Lines of four words, in sections that begin with \": name\".", valueName: "file"),
        completion: .file())
    var analogies: [String] = []

    @Option(help: ArgumentHelp("Take the first n words of the file alone.", valueName: "n"))
    var limit = 300_000

    @Flag(inversion: .prefixedNo, help: "Whether upper and lower case are alike.")
    var ignoreCase = true

    @Flag(help: "Count what has an unknown word: as a similarity of 0, and as a wrong answer.")
    var countUnknown = false

    @Option(help: "How analogies are answered: add or multiply.")
    var method = WordVectors.AnalogyMethod.add

    @Flag(help: "Print one JSON record instead of tables.")
    var json = false

    func validate() throws {
        if pairs.isEmpty, analogies.isEmpty { throw ValidationError("Give --pairs or --analogies.") }
        if limit < 1 { throw ValidationError("--limit is \(limit); expected at least 1.") }
    }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let similarities = try pairs.map { try WordSimilarity(FilePath($0)) }
            let questions = try analogies.map { try WordAnalogies(FilePath($0)) }
            let skipped = similarities.map { ($0.file, $0.skipped) } + questions.map { ($0.file, $0.skipped) }
            for (file, count) in skipped where count > 0 {
                StandardError.note("\(file): \(count.counted("line")) of another shape left out")
            }
            let vectors = try vectors.open()
            let similarityResults = try similarities.map {
                (
                    $0.file.string,
                    try $0.evaluate(vectors, words: limit, ignoresCase: ignoreCase, countsUnknown: countUnknown)
                )
            }
            let analogyResults = try questions.map {
                let result = try $0.evaluate(vectors, words: limit, ignoresCase: ignoreCase, method: method)
                return ($0, result.sections + [result.total])
            }
            if json {
                try StandardOutput.print(line: record(similarityResults, analogyResults))
            } else {
                try StandardOutput.print(tables(similarityResults, analogyResults), terminator: "")
            }
        }
    }

    private func tables(
        _ similarities: [(String, WordSimilarity.Result)], _ analogies: [(WordAnalogies, [WordAnalogies.Score])]
    ) -> String {
        var text = ""
        func number(_ value: Double?, _ digits: Int) -> String { value.map { fixed($0, digits) } ?? "-" }
        if !similarities.isEmpty {
            var table = Table(["pairs", "covered", "of", "Spearman", "Pearson"])
            for (file, result) in similarities {
                table.add([
                    file, "\(result.covered)", "\(result.pairs)", number(result.spearman, 4), number(result.pearson, 4),
                ])
            }
            text += table.text
        }
        for (questions, scores) in analogies {
            if !text.isEmpty { text += "\n" }
            var table = Table([questions.file.string, "correct", "covered", "of", "accuracy %"])
            for score in scores {
                let accuracy = score.accuracy(countsUnknown: countUnknown).map { 100 * $0 }
                table.add([
                    score.name, "\(score.correct)", "\(score.covered)", "\(score.questions)", number(accuracy, 2),
                ])
            }
            text += table.text
        }
        return text
    }

    private func record(
        _ similarities: [(String, WordSimilarity.Result)], _ analogies: [(WordAnalogies, [WordAnalogies.Score])]
    ) -> JSON {
        func number(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
        return .object([
            "pairs": .array(
                similarities.map { file, result in
                    .object([
                        "file": .string(file), "pairs": .integer(result.pairs), "covered": .integer(result.covered),
                        "skipped": .integer(result.skipped), "spearman": number(result.spearman),
                        "pearson": number(result.pearson),
                    ])
                }),
            "analogies": .array(
                analogies.map { questions, scores in
                    .object([
                        "file": .string(questions.file.string), "skipped": .integer(questions.skipped),
                        "sections": .array(
                            scores.map { score in
                                .object([
                                    "name": .string(score.name), "questions": .integer(score.questions),
                                    "covered": .integer(score.covered), "correct": .integer(score.correct),
                                    "accuracy": number(score.accuracy(countsUnknown: countUnknown)),
                                ])
                            }),
                    ])
                }),
        ])
    }
}
