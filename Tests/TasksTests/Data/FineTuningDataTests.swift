import Checkpoints
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("FineTuningData")
struct FineTuningDataTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func data(
        _ train: String, dev: String? = nil, _ change: (inout FineTuningData.Options) -> Void = { _ in }
    ) throws -> FineTuningData {
        var options = FineTuningData.Options()
        change(&options)
        return try FineTuningData(
            train: directory.write(train, to: "train.tsv"), dev: dev.map { try directory.write($0, to: "dev.tsv") },
            options)
    }

    /// A word of its own for each number, which the tiny vocabulary can spell.
    private func word(_ number: Int) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        return String([letters[number / 676 % 26], letters[number / 26 % 26], letters[number % 26]])
    }

    private func classifier(_ data: FineTuningData) throws -> SequenceClassifier {
        let model = try TinyModel.make(in: directory, named: "model")
        return try SequenceClassifier(
            pretrained: ModelDirectory(model), labels: data.labels, problem: data.problem,
            random: RandomSource(seed: 1))
    }

    @Test("a number among the dev data's labels that is not whole is an unknown label")
    func numberAmongDevLabels() {
        #expect(
            throws: CorpusError.unknownLabel(directory("dev.tsv"), line: 3, label: "0.5", known: ["0", "1"])
        ) { try data("text\tlabel\na\t0\nb\t1\n", dev: "text\tlabel\nc\t0\nd\t0.5\n") }
        let lists = "{\"text\":\"a\",\"label\":[\"x\"]}\n{\"text\":\"b\",\"label\":[\"y\"]}\n"
        #expect(
            throws: CorpusError.unknownLabel(directory("dev.tsv"), line: 1, label: "0.5", known: ["x", "y"])
        ) { try data(lists, dev: "{\"text\":\"c\",\"label\":0.5}\n") }
    }

    @Test("without dev data a tenth of every label is set aside, at least one text, the same for the same seed")
    func split() throws {
        let rows = (0..<200).map {
            "\(word($0))\t\($0 < 180 ? "often" : $0 < 198 ? "rare" : $0 < 199 ? "once" : "last")\n"
        }
        let table = "text\tlabel\n" + rows.joined() + "one more\tlast\n"
        let data = try data(table)
        #expect(data.isSplit && data.trainCount == 180 && data.devCount == 21)
        let tokenized = try data.tokenized(for: classifier(data), keepingTokensIn: directory.path)
        guard case .classes(let aside)? = tokenized.dev?.targets, case .classes(let rest) = tokenized.train.targets
        else { throw Unexpected() }
        func counts(_ classes: [Int]) -> [Int] { data.labels.indices.map { label in classes.count { $0 == label } } }
        // last, often, once, rare
        #expect(data.labels == ["last", "often", "once", "rare"])
        #expect(counts(aside) == [1, 18, 0, 2] && counts(rest) == [1, 162, 1, 16])
        #expect(data.checks.warnings == ["label \"once\" has one training example"])
        func dev(_ seed: UInt64) throws -> [[Int32]] {
            let data = try self.data(table) { $0.seed = seed }
            return try data.tokenized(for: classifier(data), keepingTokensIn: directory.path).dev!.texts.map(\.ids)
        }
        #expect(try dev(1) == dev(1) && dev(1) != dev(2))
        #expect(throws: CorpusError.tooFewToSplit(directory("train.tsv"))) {
            try self.data("text\tlabel\na\tx\nb\ty\n")
        }
        let whole = try self.data("text\tlabel\na\tx\nb\ty\n") { $0.devShare = nil }
        #expect(whole.devCount == nil && whole.trainCount == 2)
    }

    @Test("copies of a text stay on one side")
    func copies() throws {
        let rows = (0..<100).map { "The  film \(word($0 / 2))\($0 % 2 == 0 ? "" : " ")\t\($0 / 2 % 2)\n" }
        let data = try data("text\tlabel\n" + rows.joined())
        let tokenized = try data.tokenized(for: classifier(data), keepingTokensIn: directory.path)
        let dev = Set(try #require(tokenized.dev).texts.map(\.ids))
        #expect(dev.count * 2 == data.devCount)
        #expect(tokenized.train.texts.allSatisfy { !dev.contains($0.ids) })
        #expect(data.checks.duplicates == 50 && data.checks.leaked == 0)
    }

    @Test("numbers are set aside from every tenth of their range")
    func numbers() throws {
        let rows = (0..<100).map { "text \($0)\t\(Double($0) + 0.5)\n" }
        let data = try data("text\tscore\n" + rows.joined())
        #expect(data.problem == .regression)
        let tokenized = try data.tokenized(for: classifier(data), keepingTokensIn: directory.path)
        guard case .values(let values)? = tokenized.dev?.targets else { throw Unexpected() }
        #expect(values.values.map { Int($0) / 10 }.sorted() == Array(0..<10))
    }

    @Test("of a folder for each class, the file of the first empty text is named")
    func emptyFile() throws {
        for (name, text) in [("pos/1", "a film"), ("pos/2", ""), ("neg/1", "a plot"), ("neg/2", "dull")] {
            try directory.write(text, to: "classes/\(name).txt")
        }
        var options = FineTuningData.Options()
        options.devShare = nil
        let data = try FineTuningData(train: directory("classes"), dev: nil, options)
        #expect(data.checks.warnings == ["empty texts: 1, first in \(directory("classes/pos/2.txt"))"])
    }

    @Test("duplicates, contradictions, empty texts and leaks are found, whatever case and blanks")
    func checks() throws {
        let train = "text\tlabel\nA film\tx\na  FILM \ty\nb\tx\nb\tx\n \tx\nc\ty\n"
        let dev = "text\tlabel\nC\ty\nd\tx\nc \ty\n"
        let data = try data(train, dev: dev)
        #expect(data.checks.duplicates == 2 && data.checks.contradictions == 1)
        #expect(data.checks.emptyTexts == 1 && data.checks.leaked == 2 && !data.checks.isClean)
        #expect(
            data.checks.warnings == [
                "repeated training texts: 2 (--drop-duplicates)",
                "texts with different labels: 1, first in examples 1 and 2", "empty texts: 1, first in line 6",
                "dev texts that are in the training data too: 2; they make the dev score too good",
            ])
        #expect(data.checks.labelSummary == "x 4, y 2")
        let dropped = try self.data(train, dev: dev) { $0.dropsDuplicates = true }
        // "A film", "b" and the empty one are left.
        #expect(dropped.trainCount == 3 && dropped.dropped == 3 && dropped.devCount == 3)
        let clean = try self.data("text\tlabel\na\tx\nb\ty\nc\tx\nd\ty\n") { $0.devShare = nil }
        #expect(clean.checks.isClean && clean.checks.warnings == [])
    }

    @Test("streamed examples are those that are read at once, and texts that are cut are counted")
    func streaming() throws {
        let long = String(repeating: "good film ", count: 40)
        let table =
            "text\tlabel\n" + (0..<50).map { "\($0 % 5 == 0 ? long : "the film was bad") \($0)\t\($0 % 2)\n" }.joined()
        let data = try data(table) { $0.devShare = nil }
        let classifier = try classifier(data)
        classifier.maxLength = 16
        let streamed = try data.tokenized(for: classifier, keepingTokensIn: directory.path)
        let held = try LabelledExamples(directory("train.tsv"))
        let examples = try FineTuning.Examples(held, classifier.targets(held), classifier)
        #expect(Array(streamed.train.texts) == Array(examples.texts) && streamed.train.targets == examples.targets)
        #expect(streamed.cut == 10 && directory.names == ["model", "train.tsv"])
    }

    @Test("what is wrong is refused before any work")
    func failures() throws {
        let file = directory("train.tsv")
        #expect(throws: CorpusError.noExamples(file)) { try data("") }
        #expect(throws: CorpusError.singleLabel(file, label: "x")) { try data("text\tlabel\na\tx\nb\tx\n") }
        #expect(throws: CorpusError.wrongFieldCount(file, line: 3, found: 1, expected: 2)) {
            try data("text\tlabel\na\tx\nb\n")
        }
        #expect(throws: CorpusError.mixedLabels(file, number: "1.5", line: 2, word: "good", wordLine: 3)) {
            try data("text\tlabel\na\t1.5\nb\tgood\n")
        }
        #expect(
            throws: CorpusError.unknownLabel(directory("dev.tsv"), line: 2, label: "z", known: ["x", "y"])
        ) { try data("text\tlabel\na\tx\nb\ty\n", dev: "text\tlabel\na\tz\n") }
        #expect(throws: CorpusError.notANumber(file, line: 3, label: "good")) {
            try data("text\tlabel\na\t1.5\nb\tgood\n") { $0.problem = .regression }
        }
        #expect(throws: CorpusError.emptyLabel(file, line: 3)) { try data("text\tlabel\na\t1.5\nb\t\n") }
        #expect(throws: CorpusError.noExamples(directory("dev.tsv"))) {
            try data("text\tlabel\na\tx\nb\ty\n", dev: "text\tlabel\n")
        }
    }

    @Test("folds are disjoint, hold every example once, and each label in the same share")
    func folds() throws {
        let rows = (0..<90).map { "text \($0)\t\($0 % 3 == 0 ? "x" : "y")\n" }
        let data = try data("text\tlabel\n" + rows.joined()) { ($0.devShare, $0.folds) = (nil, 5) }
        let folds = try data.tokenized(for: classifier(data), keepingTokensIn: directory.path).folds
        #expect(folds.flatMap(\.dev).sorted() == Array(0..<90))
        for fold in folds {
            #expect(fold.dev.count == 18 && fold.dev.count { $0 % 3 == 0 } == 6)
            #expect((fold.train + fold.dev).sorted() == Array(0..<90))
        }
        // The same parts where texts are read again, as for word vectors.
        var heldOut: [String] = []
        for number in 0..<5 {
            let fold = data.fold(number)
            #expect(fold.trainCount == 72 && fold.devCount == 18 && fold.isSplit)
            guard case .classes(let held)? = fold.devTargets, case .classes(let rest) = fold.trainTargets else {
                throw Unexpected()
            }
            #expect(held.count == 18 && held.count { $0 == 0 } == 6 && rest.count == 72)
            var texts: [String] = []
            try fold.forEachText({ $0 }, train: { _ in }, dev: { texts.append($0) })
            #expect(texts == folds[number].dev.map { "text \($0)" })
            heldOut += texts
        }
        #expect(Set(heldOut).count == 90 && heldOut.count == 90)
        #expect(throws: CorpusError.tooFewForFolds(directory("train.tsv"), folds: 3)) {
            try self.data("text\tlabel\na\tx\nb\ty\n") { ($0.devShare, $0.folds) = (nil, 3) }
        }
    }
}

private struct Unexpected: Error {}
