import JSON
import SystemPackage
import Testing
import Tokenizers

@Suite("TokenizerVerification")
struct VerificationTests {
    private func report(_ record: JSONObject) throws -> TokenizerVerification.Report {
        let path = Fixtures.temporary("golden.jsonl")
        try Fixtures.write(JSON.object(record).serialized() + [0x0A], to: path)
        return try TokenizerVerification(Fixtures.tokenizer("bert_tokenizer.json")).run(path)
    }

    private func record(_ text: String) throws -> JSONObject {
        let tokenizer = try Fixtures.tokenizer("bert_tokenizer.json")
        let encoding = tokenizer.encode(text)
        return [
            "text": .string(text), "ids": .array(encoding.ids.map { .integer(Int($0)) }),
            "offsets": .array(
                encoding.offsets.map { .array([.integer($0.lowerBound), .integer($0.upperBound)]) }),
            "word_ids": .array(encoding.wordIDs.map { $0.map { .integer(Int($0)) } ?? .null }),
            "normalized": .string(tokenizer.normalize(text)),
            "words": .array(tokenizer.words(of: text).map { .string($0) }),
        ]
    }

    @Test("recorded ids of the reference are found unchanged")
    func unchanged() throws {
        let report = try TokenizerVerification(Fixtures.tokenizer("bert_tokenizer.json")).run(
            Fixtures.golden.appending("bert.jsonl"))
        #expect(report.texts > 50 && report.differing == 0 && report.first == nil)
    }

    @Test("a difference names the line, the stage, the token and the code point")
    func differences() throws {
        var golden = try record("the Äpfel fall")
        golden["ids"] = .array([.integer(2), .integer(99_999)])
        let difference = try #require(try report(golden).first)
        #expect(difference.line == 1 && difference.token == 1 && difference.member == "ids")
        #expect(difference.stage == .model && difference.scalarIndex == 0 && difference.scalar == 0x74)

        golden["words"] = .array([.string("the apfel fall")])
        #expect(try report(golden).first?.stage == .preTokenizer)
        golden["normalized"] = .string("the äpfel fall")
        #expect(try report(golden).first?.stage == .normalizer)

        golden = try record("the fall")
        golden["ids"] = .array([.integer(1)] + (golden["ids"]?.array ?? []).dropFirst())
        #expect(try report(golden).first?.stage == .postProcessor)
    }

    @Test("without recorded stages, words at other places point at the pre-tokenizer")
    func inferred() throws {
        var golden = try record("the fall")
        golden["normalized"] = nil
        golden["words"] = nil
        golden["ids"] = .array([.integer(2), .integer(7), .integer(3)])
        golden["offsets"] = .array([
            .array([.integer(0), .integer(0)]), .array([.integer(0), .integer(8)]), .array([.integer(0), .integer(0)]),
        ])
        golden["word_ids"] = .array([.null, .integer(0), .null])
        #expect(try report(golden).first?.stage == .preTokenizer)
    }

    @Test("a record without ids is refused")
    func invalid() throws {
        #expect(throws: TokenizerError.self) { try report(["text": .string("a")]) }
    }
}
