import FoundationEssentials
import SystemPackage

/// A directory for one fetch, beside the store, so that large files need not fit elsewhere. It goes with the object;
/// where the process was killed, the next fetch removes it.
final class WorkDirectory {
    let path: FilePath
    private let lock: FileLock
    private static let prefix = ".graft-"

    init(beside root: FilePath) throws(CheckpointError) {
        do {
            try FileManager.default.createDirectory(atPath: root.string, withIntermediateDirectories: true)
            Self.removeAbandoned(in: root)
            // Another fetch may take it for an abandoned one before it is locked.
            while true {
                let path = root.appending(Self.prefix + UUID().uuidString)
                try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: false)
                guard let lock = FileLock.takeDirectory(path) else { continue }
                (self.path, self.lock) = (path, lock)
                return
            }
        } catch { throw .unwritable(root, errorNumber(error)) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    /// Removes what killed runs have left: nobody holds its lock.
    private static func removeAbandoned(in root: FilePath) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.string)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let path = root.appending(name)
            guard let lock = FileLock.takeDirectory(path) else { continue }
            withExtendedLifetime(lock) { try? FileManager.default.removeItem(atPath: path.string) }
        }
    }
}
