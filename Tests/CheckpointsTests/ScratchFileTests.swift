import Checkpoints
import SystemPackage
import TestSupport
import Testing

@Suite("ScratchFile")
struct ScratchFileTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    @Test("gives back what was written last, and has no name")
    func roundTrip() throws {
        let file = try ScratchFile(in: scratch.path)
        #expect(scratch.names.isEmpty)
        for values: [Float] in [[1, 2, 3], [4, 5, 6]] {
            try file.rewind()
            try file.write(values)
            try file.write([-values[0]])
        }
        try file.rewind()
        #expect(try file.read(count: 3) == [4, 5, 6])
        #expect(try file.read(count: 1) == [-4])
        #expect(throws: CheckpointError.self) { try file.read(count: 1) }
    }

    @Test("a directory that is not there is named")
    func missing() {
        #expect(throws: CheckpointError.unwritable(scratch("none"), .noSuchFileOrDirectory)) {
            try ScratchFile(in: scratch("none"))
        }
    }
}
