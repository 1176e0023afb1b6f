import SystemPackage
import Tasks
import TestSupport
import Testing

@Suite("TextLines")
struct TextLinesTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    @Test(
        "lines end as they do anywhere, and empty ones are left out",
        arguments: ["a b\r\nc\r\n\r\n", "a b\nc\n", "\u{FEFF}a b\n\nc"])
    func lines(content: String) throws {
        #expect(try TextLines(scratch.write(content, to: "texts")).texts == ["a b", "c"])
    }

    @Test("a file without a text, and one that is not UTF-8, are refused")
    func refusals() throws {
        for content in ["", "\n\r\n"] {
            let file = try scratch.write(content, to: "empty")
            #expect(throws: TextLines.Failure.noTexts(file)) { try TextLines(file) }
        }
        let file = try scratch.write(Array("ab\nc".utf8) + [0xFF, 0x0A], to: "invalid")
        let fault = TextLines.Failure.line(file, .invalidUTF8(line: 2, byte: 1))
        #expect(throws: fault) { try TextLines(file) }
        #expect(fault.description == "\(file): line 2 is not valid UTF-8 at byte 1.")
        #expect(throws: TextLines.Failure.unreadable(scratch("none"), .noSuchFileOrDirectory)) {
            try TextLines(scratch("none"))
        }
    }
}
