import Checkpoints
import SystemPackage
import TestSupport
import Testing

@Suite("MappedFile")
struct MappedFileTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    @Test("a file's bytes, none of an empty one")
    func bytes() throws {
        let file = try MappedFile(scratch.write([1, 2, 3], to: "a"))
        #expect(file.count == 3 && file.bytes(1..<3) == [2, 3])
        #expect(try MappedFile(scratch.write([UInt8](), to: "b")).count == 0)
    }

    @Test("a directory is refused for what it is")
    func directory() throws {
        try scratch.write("x", to: "folder/x")
        #expect(throws: CheckpointError.unreadable(scratch("folder"), .isDirectory)) {
            try MappedFile(scratch("folder"))
        }
        #expect(throws: CheckpointError.unreadable(scratch("none"), .noSuchFileOrDirectory)) {
            try MappedFile(scratch("none"))
        }
    }
}
