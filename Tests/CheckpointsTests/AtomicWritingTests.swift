import Checkpoints
import SystemPackage
import TestSupport
import Testing

@Suite("AtomicFile and AtomicDirectory")
struct AtomicWritingTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    @Test("a file appears whole with commit, and without it nothing remains")
    func file() throws {
        do {
            let file = try AtomicFile(directory("a"))
            try file.write(Array("half".utf8))
            #expect(contents(of: directory("a")) == nil)
        }
        #expect(directory.names == [])
        try AtomicFile.write(Array("whole".utf8), to: directory("a"))
        #expect(contents(of: directory("a")) == Array("whole".utf8))
        #expect(directory.names == ["a"])
    }

    @Test("a directory appears whole with commit, and without it nothing remains")
    func directories() throws {
        do {
            let output = try AtomicDirectory(directory("out"))
            try AtomicFile.write([1], to: output.temporary.appending("x"))
        }
        #expect(directory.names == [])
        let output = try AtomicDirectory(directory("out/"))
        try AtomicFile.write([1], to: output.temporary.appending("x"))
        try output.commit()
        #expect(contents(of: directory("out/x")) == [1])
        #expect(directory.names == ["out"])
    }

    @Test("what a killed process has left of a directory goes with the next, and what another writes stays")
    func abandoned() throws {
        for name in [".out.partial-12", ".other.partial-3", ".out.partial-notes", "out.partial-4"] {
            try directory.write("x", to: name + "/model.safetensors")
        }
        let first = try AtomicDirectory(directory("out"))
        let second = try AtomicDirectory(directory("out"))
        try AtomicFile.write([1], to: first.temporary.appending("x"))
        try AtomicFile.write([2], to: second.temporary.appending("x"))
        let temporaries = [first, second].map { $0.temporary.lastComponent!.string }
        #expect(
            directory.names == (temporaries + [".other.partial-3", ".out.partial-notes", "out.partial-4"]).sorted())
        try first.commit()
        #expect(contents(of: directory("out/x")) == [1])
        #expect(throws: CheckpointError.outputExists(directory("out"))) { try second.commit() }
    }

    @Test("a directory whose writing is stopped at the end leaves nothing")
    func stopped() throws {
        do {
            let output = try AtomicDirectory(directory("out"))
            #expect(throws: CheckpointError.cancelled(directory("out"))) { try output.commit(isCancelled: { true }) }
        }
        #expect(directory.names == [])
    }

    @Test("an output that exists is refused before and at the end, and keeps its contents")
    func existing() throws {
        try directory.write("mine", to: "out/x")
        #expect(throws: CheckpointError.outputExists(directory("out"))) { try AtomicDirectory(directory("out")) }
        let late = try AtomicDirectory(directory("late"))
        try directory.write("theirs", to: "late/y")
        #expect(throws: CheckpointError.outputExists(directory("late"))) { try late.commit() }
        #expect(contents(of: directory("late/y")) == Array("theirs".utf8))
    }

    @Test("a file that cannot get its name leaves nothing")
    func failingRename() throws {
        try directory.write("mine", to: "a/b")
        #expect(throws: CheckpointError.unwritable(directory("a"), .isDirectory)) {
            try AtomicFile.write([1], to: directory("a"))
        }
        #expect(directory.names == ["a"])
    }

    @Test("a place that cannot be written says so")
    func unwritable() {
        let path = directory("no/such/place/file")
        #expect(throws: CheckpointError.unwritable(path, .noSuchFileOrDirectory)) { try AtomicFile(path) }
    }
}
