public import SystemPackage
import Tensors

/// Questions such as "Athens is to Greece as Baghdad is to ...?" in sections: Google's analogies.
///
/// A line is four words; a line that begins with `: ` opens a section. A table with tabs, whose first column is the section,
/// is read too. Lines of another shape are left out.
///
/// Source: Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", §4.1.
public struct WordAnalogies: Sendable {
    public struct Section: Sendable {
        public let name: String
        public var questions: [[String]] = []
    }

    public let file: FilePath
    public let sections: [Section]
    /// Lines that are no question.
    public let skipped: Int

    public init(_ path: FilePath) throws(WordVectorsError) {
        file = path
        var sections: [Section] = []
        var skipped = 0
        for line in try evaluationLines(path) {
            if line.hasPrefix(": ") {
                let name = line.dropFirst(2).split(separator: " ").joined(separator: " ")
                sections.append(Section(name: name))
                continue
            }
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            if fields.count == 5, fields != ["section", "a", "b", "c", "d"] {
                if sections.last?.name != fields[0] { sections.append(Section(name: fields[0])) }
                sections[sections.count - 1].questions.append(Array(fields.dropFirst()))
                continue
            }
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.count == 4, !sections.isEmpty else {
                skipped += 1
                continue
            }
            sections[sections.count - 1].questions.append(words)
        }
        if sections.allSatisfy(\.questions.isEmpty) {
            throw .lacks(path, "no line with four words behind a line \": section\"")
        }
        (self.sections, self.skipped) = (sections, skipped)
    }

    public struct Score: Equatable, Sendable {
        public let name: String
        public var questions = 0
        /// Questions whose four words all have a vector.
        public var covered = 0
        public var correct = 0

        /// The share of right answers; `nil` where no question counts.
        public func accuracy(countsUnknown: Bool = false) -> Double? {
            let count = countsUnknown ? questions : covered
            return count == 0 ? nil : Double(correct) / Double(count)
        }
    }

    /// The first word that is none of the question's is the answer; as gensim's `evaluate_word_analogies` counts.
    ///
    /// - Parameters:
    ///   - words: how many words count, from the first one.
    ///   - ignoresCase: whether the first word of the model that equals in capital letters stands for a word.
    /// - Returns: a score for every section, and that of all.
    public func evaluate(
        _ vectors: WordVectors, words: Int = 300_000, ignoresCase: Bool = true,
        method: WordVectors.AnalogyMethod = .add
    ) throws(WordVectorsError) -> (sections: [Score], total: Score) {
        let table = EvaluationWords(vectors, limit: words, ignoresCase: ignoresCase)
        func spelling(_ word: String) -> String { ignoresCase ? word.uppercased() : word }
        var total = Score(name: "total")
        var scores: [Score] = []
        for section in sections {
            var score = Score(name: section.name, questions: section.questions.count)
            let covered = section.questions.filter { $0.allSatisfy { table[$0] != nil } }
            let matches = try covered.map { question throws(WordVectorsError) in
                try question.prefix(3).map { word throws(WordVectorsError) in
                    let row = table[word]!
                    return WordVectors.Match(row: row, vector: try vectors.vector(row: row), spelling: .word)
                }
            }
            score.covered = covered.count
            let answers = try vectors.analogy(
                matches.map { (a: $0[0], b: $0[1], c: $0[2]) }, k: 5, method: method, words: words)
            for (question, answers) in zip(covered, answers) {
                let ignored = question.prefix(3).map(spelling)
                let words = answers.map { spelling(vectors.word(Int($0.row))) }
                if words.first(where: { !ignored.contains($0) }) ?? words.last == spelling(question[3]) {
                    score.correct += 1
                }
            }
            scores.append(score)
            total.questions += score.questions
            total.covered += score.covered
            total.correct += score.correct
        }
        return (scores, total)
    }
}
