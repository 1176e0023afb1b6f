import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Against spaCy: the vocabulary of a tiny pipeline, made by `generate_spacy_vectors.py`.
@Suite("SpaCyVectors")
struct SpaCyVectorsTests {
    private static let directory = Golden.directory("spacy-vectors")
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func check(_ vectors: WordVectors) throws {
        let golden = try Golden.json(Self.directory)
        let words = try #require(golden["words"]?.object?.members)
        #expect(vectors.count == words.count && vectors.ownCount == 29 && words.count == 34)
        for word in words {
            let match = try #require(try vectors.find(word.key))
            #expect(match.spelling == .word && match.vector == word.value.numbers.map { Float($0) }, "\(word.key)")
        }
        for word in golden["unknown"]?.array ?? [] {
            #expect(try vectors.find(try #require(word.string)) == nil)
        }
        // Without the word itself, which spaCy's own list has at its head.
        let neighbors = try #require(golden["neighbors"]?.array).dropFirst()
        let king = try #require(try vectors.find("king"))
        let found = try vectors.nearest(to: [king.vector], k: 5, excluding: [[try #require(king.row)]])[0]
        #expect(found.map { vectors.word(Int($0.row)) } == neighbors.map { $0.array?[0].string })
        for (found, expected) in zip(found, neighbors) {
            // spaCy rounds to four digits.
            #expect(abs(Double(found.score) - (expected.array?[1].number ?? 0)) < 1e-4)
        }
    }

    @Test("words have spaCy's vectors, from the pipeline's folder and from its vocab, and converted to our own format")
    func vectors() throws {
        let vectors = try WordVectors(Self.directory)
        #expect(vectors.format == .spaCy)
        #expect(vectors.summary == "spaCy vectors, 34 words of 6 numbers; 5 of them have another word's vector")
        try check(vectors)
        try check(try WordVectors(Self.directory.appending("vocab")))
        try vectors.write(.graft, to: scratch("v.gwv"))
        let written = try WordVectors(scratch("v.gwv"))
        try check(written)
        #expect(written.format == .graft && written.summary.hasSuffix("5 of them have another word's vector"))
        try written.write(.graft, to: scratch("again.gwv"))
        #expect(contents(of: scratch("again.gwv")) == contents(of: scratch("v.gwv")))
    }

    @Test("text has every word with its vector; a word with a blank is refused there")
    func text() throws {
        let vectors = try WordVectors(Self.directory)
        #expect(throws: WordVectorsError.unwritableWord(Self.directory, word: "New York")) {
            try vectors.write(.word2vec, to: scratch("v.txt"))
        }
        // Without its string a key has no word.
        try WordVectors(edited { $0["strings.json"]?.replace(bytes("New York"), with: bytes("New Pork")) }).write(
            .word2vec, to: scratch("v.txt"))
        let text = try WordVectors(scratch("v.txt"))
        #expect(text.count == 33 && text.ownCount == 33)
        #expect(try text.find("King")?.vector == vectors.find("king")?.vector)
    }

    @Test("a word with another word's vector is never a neighbour; its owner is, also of itself")
    func sharedVectors() throws {
        let vectors = try WordVectors(Self.directory)
        let dogs = try #require(try vectors.find("dogs"))
        let nearest = try vectors.nearest(to: [dogs.vector], k: 40, excluding: [[try #require(dogs.row)]])[0]
        #expect(nearest.count == 29 && vectors.word(Int(nearest[0].row)) == "dog" && abs(nearest[0].score - 1) < 1e-6)
        for method in WordVectors.AnalogyMethod.allCases {
            let words = try ["of", "the", "king"].map { try #require(try vectors.find($0)) }
            let answers = try vectors.analogy([(words[0], words[1], words[2])], k: 40, method: method)[0]
            #expect(answers.allSatisfy { $0.row < 29 } && answers.count == 26)
        }
    }

    private typealias Files = [String: [UInt8]]
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// A vocabulary with other files than spaCy's.
    private func edited(_ change: (inout Files) -> Void) throws -> FilePath {
        var files = Files()
        for name in ["vectors", "key2row", "strings.json", "vectors.cfg"] {
            let bytes = try #require(contents(of: Self.directory.appending("vocab").appending(name)))
            files[name] = bytes
        }
        change(&files)
        let folder = "vocab-\(scratch.names.count)"
        for (name, bytes) in files { try scratch.write(bytes, to: "\(folder)/\(name)") }
        return scratch(folder)
    }

    /// What an edited vocabulary is refused with, and the path of one of its files.
    private func error(_ name: String, _ change: (inout Files) -> Void) throws -> (WordVectorsError?, FilePath) {
        let folder = try edited(change)
        do throws(WordVectorsError) {
            _ = try WordVectors(folder)
            return (nil, folder.appending(name))
        } catch { return (error, folder.appending(name)) }
    }

    @Test("floret's vectors and folders with files missing are refused; without vectors.cfg they are a table of words")
    func otherKinds() throws {
        var (found, file) = try error("vectors.cfg") { $0["vectors.cfg"] = bytes(#"{"mode":"floret"}"#) }
        guard case .otherKind(file, "vectors in spaCy's mode floret", _) = found else {
            Issue.record("\(String(describing: found))")
            return
        }
        (found, file) = try error("") { $0["key2row"] = nil }
        guard case .otherKind(_, "a folder without spaCy's vocab/key2row", _) = found else {
            Issue.record("\(String(describing: found))")
            return
        }
        for (name, purpose) in [("vectors", "the table of vectors"), ("strings.json", "the words")] {
            (found, file) = try error(name) { $0[name] = nil }
            #expect(found == .file(CheckpointError.missingFile(file, purpose: purpose)))
        }
        #expect(try error("vectors.cfg") { $0["vectors.cfg"] = nil }.0 == nil)
    }

    @Test("a table of another type, cut or too long is refused")
    func table() throws {
        var (found, file) = try error("vectors") {
            $0["vectors"]?.replace(bytes("<f4"), with: bytes("<f2"))
            $0["vectors"]?.removeLast(29 * 6 * 2)
        }
        #expect(found == .spaCyTable(file, .elementType("<f2")))
        #expect(found?.description.contains("its values are <f2; expected <f4") == true)
        (found, file) = try error("vectors") { $0["vectors"]?.replace(bytes("<f4"), with: bytes("|O")) }
        #expect(found == .spaCyTable(file, .elementType("|O")))
        (found, file) = try error("vectors") { $0["vectors"]?.removeLast() }
        #expect(found == .spaCyTable(file, .truncated(expected: 824, found: 823)))
        (found, file) = try error("vectors") { $0["vectors"]?.append(0) }
        #expect(found == .spaCyTable(file, .tail(expected: 824, found: 825)))
        (found, file) = try error("vectors") { $0["vectors"] = bytes("1 2\nking 3 4\n") }
        #expect(found == .spaCyTable(file, .notNumPy))
    }

    @Test("damaged keys and strings are refused")
    func keys() throws {
        for (change, fault): ((inout [UInt8]) -> Void, SpaCyKeysFault) in [
            ({ $0.removeLast() }, .truncated(entries: 33, expected: 34)), ({ $0.append(0) }, .tail(bytes: 1)),
            ({ $0 = [0x81, 5, 29] }, .row(29, rows: 29)), ({ $0 = [0x81, 5, 0xC0] }, .type(0xC0, offset: 2)),
            ({ $0 = [0x93, 5, 5, 5] }, .noMap), ({ $0 = [] }, .noMap),
            ({ $0 = [0xDF, 255, 255, 255, 255] }, .truncated(entries: 0, expected: 0xFFFF_FFFF)),
        ] {
            let (found, file) = try error("key2row") { change(&$0["key2row", default: []]) }
            #expect(found == .spaCyKeys(file, fault))
        }
        var (found, file) = try error("key2row") { $0["key2row"] = [0x81, 5, 1] }
        #expect(found == .noWords(file))
        (found, file) = try error("strings.json") { $0["strings.json"]?.removeLast(3) }
        #expect(found == .file(.invalidJSON(file, JSONError(.endOfInput, at: 394))))
    }
}
