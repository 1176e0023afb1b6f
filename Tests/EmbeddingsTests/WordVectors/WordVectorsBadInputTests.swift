import Embeddings
import SystemPackage
import TestSupport
import Testing

@Suite("WordVectors: bad input")
struct WordVectorsBadInputTests {
    private static let directory = Golden.directory("word-vectors")
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func error(_ bytes: [UInt8]) throws -> WordVectorsError? {
        let file = try scratch.write(bytes, to: "v")
        do throws(WordVectorsError) {
            try WordVectors(file).checkFinite()
            return nil
        } catch { return error }
    }

    private func error(_ text: String) throws -> WordVectorsError? { try error(Array(text.utf8)) }

    @Test("text: ragged rows, wrong headers, what is no number or not finite")
    func text() throws {
        let file = scratch("v")
        #expect(try error("") == .noWords(file))
        #expect(try error("a 1 2\nb 3\n") == .raggedRow(file, line: 2, found: 1, expected: 2))
        #expect(try error("2 3\na 1 2\nb 3 4\n") == .raggedRow(file, line: 2, found: 2, expected: 3))
        #expect(try error("a 1 2\nb 3 x\n") == .notANumber(file, line: 2, text: "x"))
        #expect(try error("a 1 2\n\nb 3 4\n") == .raggedRow(file, line: 2, found: 0, expected: 2))
        #expect(try error("a 1 2\nb nan 4\n") == .notFinite(file, word: "b"))
        #expect(try error("a 1 2\nb -inf 4\n") == .notFinite(file, word: "b"))
        #expect(try error("3 2\na 1 2\nb 3 4\n") == .rowCount(file, found: 2, expected: 3))
        #expect(try error("1 2\na 1 2\nb 3 4\n") == .rowCount(file, found: 2, expected: 1))
        #expect(try error("1 0\na\n") == .header(file, "its header promises vectors of no numbers"))
        #expect(try error("9 999999999\na 1 2\n") == .raggedRow(file, line: 2, found: 2, expected: 999_999_999))
        #expect(
            try error("1 9000000000000000000\na 1\n")
                == .raggedRow(file, line: 2, found: 1, expected: 9_000_000_000_000_000_000))
        #expect(try error("hello world\nthis is text\n")?.description.contains("neither vectors nor a header") == true)
    }

    @Test("text: two whole numbers above wider rows are a header, right or wrong")
    func wrongHeader() throws {
        for header in ["-5 3", "2 -3", "99999999999999999999 3", "+2 3"] {
            let reason = "its first line, \"\(header)\", is no number of words and of numbers in a vector"
            #expect(try error("\(header)\na 1 2 3\nb 4 5 6\n") == .header(scratch("v"), reason))
        }
        #expect(try error("99999999999999999999 3\n5 4\n") == nil)
    }

    @Test("text: numbers too many in a row are no word with blanks")
    func wideRows() throws {
        let file = scratch("v")
        #expect(try error("2 1\na 0.1 0.2\nb 0.3 0.4\n") == .raggedRow(file, line: 2, found: 2, expected: 1))
        #expect(try error("2 1\na 1 2\nb 3 4\n") == .raggedRow(file, line: 2, found: 2, expected: 1))
        #expect(try error("a 0.1 0.2\nb 0.3 0.4 0.5\n") == .raggedRow(file, line: 2, found: 3, expected: 2))
        #expect(try error("a 1 2\n. . . 3 4\nNew York 5 6\nRoute 66 7 8\n") == nil)
    }

    @Test("text: a last line without a line break, which may be cut, is named in the summary")
    func unterminated() throws {
        let (whole, cut) = try (scratch.write("a 1 2\nb 3 4\n", to: "w"), scratch.write("a 1 2\nb 3 4", to: "c"))
        #expect(try !WordVectors(whole).isUnterminated && !WordVectors(whole).summary.contains("line break"))
        #expect(
            try WordVectors(cut).isUnterminated && WordVectors(cut).summary.contains("its last line has no line break"))
        let binary = Self.directory.appending("vectors.bin")
        #expect(try !WordVectors(binary).isUnterminated)
    }

    @Test("files of another kind are recognized, and the message says what to do")
    func otherKinds() throws {
        for (bytes, found, advice): ([UInt8], String, String) in [
            ([0x1F, 0x8B, 8, 0], "gzip", "gunzip"), ([0x50, 0x4B, 3, 4, 0], "ZIP", "Unpack"),
            (Array("\u{FEFF}a 1 2\n".utf8), "byte order mark", "without one"),
            (Array("\u{FEFF}1 2\na 1 2\n".utf8), "byte order mark", "without one"),
            ([0x80, 4, 0x95], "pickle", "save_word2vec_format"), ([0x93] + Array("NUMPY".utf8), "NumPy", "as text"),
        ] {
            let message = try error(bytes)?.description ?? ""
            #expect(message.contains(found) && message.contains(advice), "\(message)")
        }
    }

    @Test("a file under another format's name is read for what it is")
    func names() throws {
        let bytes = try #require(contents(of: Self.directory.appending("vectors.bin")))
        #expect(try WordVectors(scratch.write(bytes, to: "model.vec")).format == .word2vecBinary)
        let model = try #require(contents(of: Self.directory.appending("skipgram.bin")))
        #expect(try WordVectors(scratch.write(model, to: "other.vec")).format == .fastText)
        #expect(try WordVectors(scratch.write("1 2\na 1 2\n", to: "model.bin")).format == .word2vec)
    }

    @Test("word2vec's binary: a cut tail, bytes too many, values that are not finite, a word twice")
    func binary() throws {
        let file = scratch("v")
        let bytes = try #require(contents(of: Self.directory.appending("vectors.bin")))
        #expect(try error(Array(bytes.dropLast(9))) == .truncated(file, words: 67, expected: 68))
        #expect(try error(bytes + [1, 2, 3])?.description.contains("bytes remain behind the 68 words") == true)
        let nan: [UInt8] = [0, 0, 0xC0, 0x7F]
        #expect(try error(Array("1 2\nab ".utf8) + [0, 0, 0x80, 0x3F] + nan) == .notFinite(file, word: "ab"))
        let twice = Array("2 1\na ".utf8) + [0, 0, 0x80, 0x3F] + Array("a ".utf8) + [0, 0, 0, 0x40]
        let vectors = try WordVectors(scratch.write(twice, to: "twice"))
        #expect(try vectors.count == 1 && vectors.duplicates == 1 && vectors.vector(row: 0) == [1])
    }

    @Test(
        "a fastText model that ends too early or holds nonsense is refused",
        arguments: ["skipgram.bin", "pruned.ftz", "skipgram-2016.bin"])
    func fastText(name: String) throws {
        let bytes = try #require(contents(of: Self.directory.appending(name)))
        for end in stride(from: 64, to: bytes.count - 1, by: 37) {
            #expect(try error(Array(bytes[..<end])) != nil, "\(end) bytes")
        }
        #expect(try error(bytes + [0])?.description.contains("1 bytes remain") == true)
        guard name == "skipgram.bin" else { return }
        var changed = bytes
        changed[4] = 13
        #expect(
            try error(changed)
                == .unsupportedVersion(scratch("v"), found: 13, supported: "11, 12 and those without a number"))
    }

    @Test("our own format: a changed header, a cut tail; changed content is found when it is converted")
    func graft() throws {
        let file = scratch("own")
        try WordVectors(Self.directory.appending("pruned.ftz")).write(.graft, to: file)
        let bytes = try #require(contents(of: file))
        var changed = bytes
        changed[20] ^= 1
        #expect(try error(changed) == .header(scratch("v"), "its header changed"))
        changed = bytes
        changed[8] = 3
        #expect(try error(changed) == .unsupportedVersion(scratch("v"), found: 3, supported: "1 and 2"))
        #expect(try error(Array(bytes.dropLast()))?.description.contains("asks for another number") == true)
        #expect(try error(Array(bytes[..<100])) == .header(scratch("v"), "it ends within its header"))
        for place in stride(from: 128, to: bytes.count, by: 61) {
            changed = bytes
            changed[place] ^= 0x55
            let path = try scratch.write(changed, to: "v")
            // Whatever the content says, look-ups stay within the file.
            if let vectors = try? WordVectors(path) {
                for word in ["king", "unknown", ""] { _ = try? vectors.find(word) }
                for row in 0..<vectors.count { _ = vectors.word(row) }
                #expect(throws: WordVectorsError.checksum(path)) { try vectors.write(.graft, to: scratch("x")) }
            }
        }
    }
}
