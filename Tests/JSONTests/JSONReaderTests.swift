import JSON
import Testing

@Suite("JSONReader")
struct JSONReaderTests {
    private func parse(_ text: String) throws(JSONError) -> JSON { try JSON(parsing: Array(text.utf8)) }

    @Test("values of every kind are read, and objects keep their order")
    func values() throws {
        let value = try parse(#" {"b": [1, -2.5, 1e3, true, false, null], "a": "x\n\u00e9\ud83d\ude00"} "#)
        #expect(value.object?.members.map(\.key) == ["b", "a"])
        #expect(value["b"] == .array([.integer(1), .number(-2.5), .number(1000), .bool(true), .bool(false), .null]))
        #expect(value["a"] == .string("x\né😀"))
    }

    @Test("keys that are canonically equivalent stay apart")
    func canonicalEquivalence() throws {
        let value = try parse(#"{"\u00e9": 1, "e\u0301": 2}"#)
        #expect(value.object?.members.count == 2)
        #expect(value["\u{E9}"] == .integer(1))
        #expect(value["e\u{301}"] == .integer(2))
        #expect(value.object?.duplicateKey == nil)
        #expect(try parse(#"{"a": 1, "a": 2}"#).object?.duplicateKey == "a")
    }

    @Test(
        "a text that is not JSON is refused where it goes wrong",
        arguments: [
            ("", JSONError(.endOfInput, at: 0)),
            ("[1,", JSONError(.endOfInput, at: 3)),
            ("[1 2]", JSONError(.expected("',' or ']'"), at: 3)),
            ("[1,]", JSONError(.expected("a value"), at: 3)),
            ("{\"a\" 1}", JSONError(.expected("':'"), at: 5)),
            ("{a: 1}", JSONError(.expected("a string"), at: 1)),
            ("01", JSONError(.invalidNumber, at: 0)),
            ("1.", JSONError(.invalidNumber, at: 0)),
            ("1e999", JSONError(.invalidNumber, at: 0)),
            ("nul", JSONError(.endOfInput, at: 3)),
            ("1 2", JSONError(.textAfterTheEnd, at: 2)),
            (#""\x""#, JSONError(.invalidEscape, at: 1)),
            (#""\ud800""#, JSONError(.invalidEscape, at: 1)),
            ("\"\u{1}\"", JSONError(.controlCharacterInString, at: 1)),
        ])
    func failures(text: String, error: JSONError) { #expect(throws: error) { try parse(text) } }

    @Test("invalid UTF-8 in a string is refused")
    func invalidUTF8() {
        #expect(throws: JSONError(.invalidUTF8, at: 0)) { try JSON(parsing: [0x22, 0xC3, 0x28, 0x22]) }
    }

    @Test("nesting beyond the limit is refused, not a stack overflow")
    func nesting() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError(.nestedTooDeeply(limit: 256), at: 256)) { try parse(text) }
    }

    @Test("what is written reads back, compact and pretty")
    func roundTrip() throws {
        let value = try parse(#"{"a":[1,2.5,"\"\\\u0001/"],"b":{},"c":[],"d":{"e":null}}"#)
        #expect(try JSON(parsing: value.serialized()) == value)
        #expect(try JSON(parsing: value.serialized(pretty: true)) == value)
        #expect(
            String(
                decoding: JSON.object(["a": .array([.integer(1), .integer(2)]), "b": .string("x")]).serialized(
                    pretty: true), as: UTF8.self)
                == "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": \"x\"\n}")
    }
}
