import Glibc
import SystemPackage
import Tasks
import TestSupport
import Testing

@Suite("LineReader")
struct LineReaderTests {
    private func lines(_ bytes: [UInt8], limit: Int = 100, lineLimit: Int = 1 << 20) throws -> [[LineReader.Line]] {
        let directory = try TemporaryDirectory()
        let descriptor = try FileDescriptor.open(directory.write(bytes, to: "in"), .readOnly)
        defer { try? descriptor.close() }
        let reader = LineReader(descriptor, lineLimit: lineLimit)
        var windows: [[LineReader.Line]] = []
        while true {
            let window = try reader.nextWindow(limit: limit)
            if window.isEmpty { return windows }
            windows.append(window)
        }
    }

    private func texts(_ text: String) throws -> [LineReader.Content] {
        try lines(Array(text.utf8)).joined().map(\.content)
    }

    @Test("every line counts: empty ones, the last one without a line feed, Windows' line ends")
    func counting() throws {
        #expect(try texts("") == [])
        #expect(try texts("\n") == [.text("")])
        #expect(try texts("\u{FEFF}a\n\u{FEFF}b") == [.text("a"), .text("\u{FEFF}b")])
        #expect(try texts("a\n\nb\r\nc") == [.text("a"), .text(""), .text("b"), .text("c")])
        #expect(try lines(Array("a\nb\nc\n".utf8), limit: 2).map { $0.map(\.index) } == [[0, 1], [2]])
    }

    @Test("a line that is not UTF-8, or too long, is reported in its place")
    func faults() throws {
        let bytes = Array("ok\n".utf8) + [0x61, 0xFF, 0x0A] + Array("12345678901\nend\n".utf8)
        let contents = try lines(bytes, lineLimit: 10).joined().map(\.content)
        #expect(contents == [.text("ok"), .invalidUTF8(byte: 1), .tooLong(limit: 10), .text("end")])
        let long = [UInt8](repeating: 0x61, count: 300_000)
        #expect(
            try lines(long + [0x0A] + Array("b".utf8), lineLimit: 1000).joined().map(\.content)
                == [.tooLong(limit: 1000), .text("b")])
        #expect(try lines(long + [0x0A]).joined().map(\.content) == [.text(String(decoding: long, as: UTF8.self))])
    }

    @Test("a lone line of an open pipe is there at once")
    func loneLine() throws {
        let (readEnd, writeEnd) = try FileDescriptor.pipe()
        defer { try? readEnd.close() }
        try writeEnd.writeAll(Array("one\ntwo".utf8))
        let reader = LineReader(readEnd)
        #expect(try reader.nextWindow(limit: 100).map(\.content) == [.text("one")])
        try writeEnd.writeAll(Array("!\n".utf8))
        try writeEnd.close()
        #expect(try reader.nextWindow(limit: 100).map(\.content) == [.text("two!")])
        #expect(try reader.nextWindow(limit: 100).isEmpty)
    }

    @Test("an interruption ends the waiting for input, even one that came before")
    func interruption() throws {
        let (input, interruption) = (try FileDescriptor.pipe(), try FileDescriptor.pipe())
        defer {
            for end in [input.readEnd, input.writeEnd, interruption.readEnd, interruption.writeEnd] { try? end.close() }
        }
        let reader = LineReader(input.readEnd, interruption: interruption.readEnd)
        try input.writeEnd.writeAll(Array("a line\n".utf8))
        #expect(try reader.nextWindow(limit: 5).count == 1)
        try interruption.writeEnd.writeAll([1])
        #expect(throws: Errno.interrupted) { try reader.nextWindow(limit: 5) }
    }
}
