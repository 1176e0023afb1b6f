import FoundationEssentials
public import SystemPackage

/// A directory for one test; it goes with the object.
public final class TemporaryDirectory {
    public let path: FilePath

    public init() throws {
        let base = FilePath(FileManager.default.temporaryDirectory.path(percentEncoded: false))
        path = base.appending("graft-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    public func callAsFunction(_ name: String) -> FilePath { path.appending(name) }

    /// Writes a file, with the directories it needs, and returns its path.
    @discardableResult
    public func write(_ text: String, to name: String) throws -> FilePath { try write(Array(text.utf8), to: name) }

    @discardableResult
    public func write(_ bytes: [UInt8], to name: String) throws -> FilePath {
        let file = path.appending(name)
        try FileManager.default.createDirectory(
            atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
        guard FileManager.default.createFile(atPath: file.string, contents: Data(bytes)) else {
            throw Errno.ioError
        }
        return file
    }

    /// The names in the directory, hidden ones included.
    public var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path.string)) ?? []).sorted()
    }
}

public func contents(of file: FilePath) -> [UInt8]? {
    FileManager.default.contents(atPath: file.string).map { Array($0) }
}
