public import Embeddings
import JSON
import Tensors

/// Input lines, a word each or three words of an analogy, to records with the words that fit best.
public struct NeighborRecords {
    /// What a line asks for.
    public enum Question: Sendable {
        case neighbors
        case analogy(WordVectors.AnalogyMethod)

        /// Words of a line; `nil` where the whole line is one word.
        var wordCount: Int? { if case .analogy = self { 3 } else { nil } }
    }

    private let vectors: WordVectors
    private let question: Question
    private let k: Int
    private let limit: Int?

    /// - Parameter limit: how many words are looked through, from the first one.
    /// - Throws: `notFinite` for a vector that cannot be compared.
    public init(
        _ vectors: WordVectors, _ question: Question, k: Int, limit: Int? = nil
    ) throws(WordVectorsError) {
        try vectors.checkFinite()
        self.vectors = vectors
        self.question = question
        self.k = k
        self.limit = limit
    }

    /// Why a line cannot be answered.
    public func fault(_ input: InputText, _ line: Int) -> LineFault? {
        let words = words(input)
        if let expected = question.wordCount, words.count != expected {
            return .wordCount(line: line, found: words.count, expected: expected)
        }
        return words.first { match($0) == nil }.map { .unknownWord(line: line, word: $0) }
    }

    public func render(_ items: [RecordStream.Item]) -> [UInt8] {
        let usable = UsableItems(items)
        let matches = usable.inputs.map { words($0).compactMap(match) }
        let answers = answers(matches)
        return usable.records { place, writer in
            let words = words(usable.inputs[place])
            writer.key(words.count == 1 ? "word" : "words")
            if words.count == 1 { writer.string(words[0]) } else { writer.write(.array(words.map { .string($0) })) }
            writeSpellings(words, matches[place], to: &writer)
            writer.key("neighbors")
            writer.beginArray()
            for answer in answers[place] {
                writer.beginObject()
                writer.key("word")
                writer.string(vectors.word(Int(answer.row)))
                writer.key("score")
                writer.number(answer.score)
                writer.endObject()
            }
            writer.endArray()
        }
    }

    /// Says where a word was not found as it is written: what stands for it, or that its n-grams do.
    private func writeSpellings(_ words: [String], _ matches: [WordVectors.Match], to writer: inout JSONWriter) {
        var written: Set<String> = []
        let others = zip(words, matches).filter { $0.1.spelling != .word && written.insert($0.0).inserted }
        if others.isEmpty { return }
        writer.key("foundBy")
        writer.beginObject()
        for (word, match) in others {
            writer.key(word)
            writer.string(
                match.row.map { "\(match.spelling.rawValue): \(vectors.word($0))" } ?? match.spelling.rawValue)
        }
        writer.endObject()
    }

    private func answers(_ matches: [[WordVectors.Match]]) -> [[RankedRow]] {
        do throws(WordVectorsError) {
            switch question {
            case .neighbors:
                return try vectors.nearest(
                    to: matches.map { $0[0].vector }, k: k, excluding: matches.map { $0.compactMap(\.row) },
                    words: limit)
            case .analogy(let method):
                return try vectors.analogy(
                    matches.map { (a: $0[0], b: $0[1], c: $0[2]) }, k: k, method: method, words: limit)
            }
        } catch { preconditionFailure("checked before: \(error)") }
    }

    private func words(_ input: InputText) -> [String] {
        question.wordCount == nil ? [input.text] : input.text.split(whereSeparator: \.isWhitespace).map(String.init)
    }

    /// - Returns: `nil` for an unknown word, and for one whose n-grams' vectors are not finite.
    private func match(_ word: String) -> WordVectors.Match? { (try? vectors.find(word)) ?? nil }
}
