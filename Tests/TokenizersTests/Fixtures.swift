import Glibc
import JSON
import SystemPackage
import Testing
import Tokenizers

/// Files beside the tests.
enum Fixtures {
    /// The folder with golden files.
    static var golden: FilePath { FilePath(#filePath).removingLastComponent().appending("Golden") }

    /// A folder with real vocabularies and texts, where there is one.
    static var sharedData: FilePath? {
        let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        let candidates =
            [environment("GRAFT_SHARED_DATA")].compactMap { $0.map { FilePath($0) } } + [
                root.appending("../shared/data")
            ]
        return candidates.first { exists($0.appending("README.md")) }
    }

    /// The directory of the default model, where there is one.
    static var defaultModel: FilePath? {
        environment("GRAFT_TEST_MODEL").map { FilePath($0) }.flatMap {
            exists($0.appending("tokenizer.json")) ? $0 : nil
        }
    }

    static func environment(_ name: String) -> String? {
        guard let bytes = try? read("/proc/self/environ") else { return nil }
        for entry in bytes.split(separator: 0) {
            let text = String(decoding: entry, as: UTF8.self)
            if text.hasPrefix(name + "=") { return String(text.dropFirst(name.count + 1)) }
        }
        return nil
    }

    static func exists(_ path: FilePath) -> Bool {
        guard let file = try? FileDescriptor.open(path, .readOnly) else { return false }
        try? file.close()
        return true
    }

    static func read(_ path: FilePath) throws -> [UInt8] {
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
                if count == 0 { return bytes }
                bytes.append(contentsOf: buffer[..<count])
            }
        }
    }

    static func write(_ bytes: [UInt8], to path: FilePath) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        _ = try file.closeAfter { try file.writeAll(bytes) }
    }

    /// The records of a file with one JSON value a line.
    static func records(_ name: String) throws -> [JSON] {
        try read(golden.appending(name)).split(separator: 0x0A).map { try JSON(parsing: Array($0)) }
    }

    static func tokenizer(_ name: String) throws -> Tokenizer { try Tokenizer(file: golden.appending(name)) }

    /// A path for a file of one test.
    static func temporary(_ name: String) -> FilePath {
        FilePath("/tmp").appending("graft-tokenizers-\(UInt64.random(in: 0 ..< .max))-\(name)")
    }
}

extension JSON {
    var integers: [Int] { array?.compactMap(\.integer) ?? [] }
    var ranges: [Range<Int>] { array?.map { $0.integers[0]..<$0.integers[1] } ?? [] }
    var strings: [String] { array?.compactMap(\.string) ?? [] }
    var optionalIntegers: [Int?] { array?.map(\.integer) ?? [] }
}

/// Compares an encoding with what the reference recorded.
func expectEqual(_ encoding: Encoding, _ record: JSON, sourceLocation: SourceLocation = #_sourceLocation) {
    let text = record["text"]?.string ?? ""
    #expect(encoding.ids.map(Int.init) == record["ids"]?.integers, "\(text)", sourceLocation: sourceLocation)
    #expect(encoding.offsets == record["offsets"]?.ranges, "\(text)", sourceLocation: sourceLocation)
    #expect(
        encoding.wordIDs.map { $0.map(Int.init) } == record["word_ids"]?.optionalIntegers, "\(text)",
        sourceLocation: sourceLocation)
    #expect(encoding.typeIDs.map(Int.init) == record["type_ids"]?.integers, "\(text)", sourceLocation: sourceLocation)
    #expect(
        encoding.specialTokensMask.map(Int.init) == record["special"]?.integers, "\(text)",
        sourceLocation: sourceLocation)
    #expect(
        encoding.tokens.map { Array($0.utf8) } == record["tokens"]?.strings.map { Array($0.utf8) }, "\(text)",
        sourceLocation: sourceLocation)
}

extension FilePath {
    func makeDirectory() throws {
        guard unsafe mkdir(string, 0o755) == 0 else { throw Errno(rawValue: errno) }
    }
}
